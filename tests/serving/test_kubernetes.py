"""serving/kubernetes: valid for Kubernetes, and the same server as in compose.yaml."""

import re

import kubernetes_validate
import pytest
import yaml

from exporting.picture_decoding import PARALLEL_PICTURES
from tests import ROOT

SERVING = ROOT / "serving"
KUSTOMIZATION = yaml.safe_load((SERVING / "kustomization.yaml").read_text())
# The oldest version with autoscaling/v2 that is still common, and one that came later.
VERSIONS = ("1.27", "1.33")


def resources():
    texts = [(SERVING / path).read_text() for path in KUSTOMIZATION["resources"]]
    return [resource for text in texts for resource in yaml.safe_load_all(text)]


def find(kind):
    (found,) = [resource for resource in resources() if resource["kind"] == kind]
    return found


@pytest.fixture(scope="module")
def pod():
    return find("Deployment")["spec"]["template"]


@pytest.fixture(scope="module")
def container(pod):
    (container,) = pod["spec"]["containers"]
    return container


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_keeps_to_the_schema(version):
    for resource in resources():
        kubernetes_validate.validate(resource, version, strict=True)


def test_a_misspelt_field_would_be_found():
    deployment = find("Deployment")
    deployment["spec"]["template"]["spec"]["container"] = []
    with pytest.raises(kubernetes_validate.ValidationError, match="container"):
        kubernetes_validate.validate(deployment, VERSIONS[0], strict=True)


def test_every_file_is_part_of_the_kustomization():
    files = {f"kubernetes/{path.name}" for path in (SERVING / "kubernetes").iterdir()}
    assert set(KUSTOMIZATION["resources"]) == files


def test_the_server_is_that_of_the_compose_file(container):
    (service,) = yaml.safe_load((SERVING / "compose.yaml").read_text())["services"].values()
    assert container["args"] == service["command"]
    repository, _, version = container["image"].partition(":")
    assert service["image"] == f"{repository}:${{TF_SERVING_VERSION:-{version}}}"


def test_memory_suffices_for_the_largest_pictures_at_once(container):
    """As docs/serving.md reckons: 1 GB, and 300 MB for each picture that is decoded at a time."""
    text = (SERVING / "batching_parameters.txt").read_text()
    threads = int(re.search(r"num_batch_threads { value: (\d+) }", text)[1])
    needed = 1e9 + threads * PARALLEL_PICTURES * 300e6
    limit = container["resources"]["limits"]["memory"].removesuffix("Gi")
    assert int(limit) * 2**30 >= needed


def test_a_full_server_stays_ready_and_a_stuck_one_is_restarted(container):
    """The gRPC port accepts however busy REST is; REST must answer, if only in minutes."""
    assert container["readinessProbe"]["tcpSocket"] == {"port": "grpc"}
    alive = container["livenessProbe"]
    assert alive["httpGet"] == {"path": "/v1/models/facial_keypoints", "port": "rest"}
    assert alive["timeoutSeconds"] >= 30
    assert alive["periodSeconds"] * alive["failureThreshold"] >= 300


def test_requests_that_run_are_finished_before_a_replica_ends(pod, container):
    (_, seconds) = container["lifecycle"]["preStop"]["exec"]["command"]
    (limit,) = (each for each in container["args"] if each.startswith("--rest_api_timeout_in_ms"))
    needed = int(seconds) + int(limit.partition("=")[2]) / 1000
    assert pod["spec"]["terminationGracePeriodSeconds"] == needed


def test_the_server_finds_its_files(pod, container):
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    claim = find("PersistentVolumeClaim")["metadata"]["name"]
    assert volumes[mounts["/models"]]["persistentVolumeClaim"]["claimName"] == claim
    (generated,) = KUSTOMIZATION["configMapGenerator"]
    assert volumes[mounts["/config"]]["configMap"]["name"] == generated["name"]
    for argument in container["args"]:
        _, is_file, name = argument.partition("=/config/")
        assert not is_file or name in generated["files"]
    assert all((SERVING / file).is_file() for file in generated["files"])


def test_selectors_and_ports_meet_the_pods(pod, container):
    ports = {port["name"] for port in container["ports"]}
    labels = pod["metadata"]["labels"].items()
    for resource in resources():
        selector = resource["spec"].get("selector", {})
        assert selector.get("matchLabels", selector).items() <= labels
        if resource["kind"] == "Service":
            assert {port["targetPort"] for port in resource["spec"]["ports"]} <= ports
    scaled = find("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert scaled["name"] == find("Deployment")["metadata"]["name"]
