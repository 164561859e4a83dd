"""The server's configuration says what the project says elsewhere, in the server's own words."""

import json
import re
import socket
import subprocess
import threading

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from exporting.warm_up import BATCH_SIZES
from tests import ROOT

SERVING = ROOT / "serving"

# Of `tensorflow_model_server --help`: those that the compose file may use.
FLAGS = {
    "allow_version_labels_for_unavailable_models",
    "batching_parameters_file",
    "enable_batching",
    "enable_model_warmup",
    "grpc_channel_arguments",
    "model_config_file",
    "model_config_file_poll_wait_seconds",
    "monitoring_config_file",
    "rest_api_num_threads",
    "rest_api_timeout_in_ms",
    "tensorflow_intra_op_parallelism",
}
# Fields of BatchingParameters in session_bundle_config.proto.
BATCHING = {
    "allowed_batch_sizes",
    "batch_timeout_micros",
    "max_batch_size",
    "max_enqueued_batches",
    "num_batch_threads",
}


def without_comments(name):
    return re.sub(r"(?m)^\s*#.*$", "", (SERVING / name).read_text())


@pytest.fixture(scope="module")
def model_config():
    text = (SERVING / "models.config").read_text()
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    return model


@pytest.fixture(scope="module")
def compose():
    (service,) = yaml.safe_load((SERVING / "compose.yaml").read_text())["services"].values()
    return service


def test_labels_point_to_served_versions(model_config):
    served = model_config.model_version_policy.specific.versions
    assert dict(model_config.version_labels) == {"stable": 1}
    assert set(model_config.version_labels.values()) <= set(served)
    assert model_config.model_platform == "tensorflow"


def test_batches_are_padded_to_sizes_that_were_warmed_up():
    fields = re.findall(
        r"(\w+)\s*(?::|\{\s*value:)\s*(\d+)", without_comments("batching_parameters.txt")
    )
    assert {name for name, _ in fields} == BATCHING
    sizes = [int(value) for name, value in fields if name == "allowed_batch_sizes"]
    assert tuple(sizes) == BATCH_SIZES
    # The server demands this of the last one.
    assert sizes == sorted(sizes)
    assert int(dict(fields)["max_batch_size"]) == sizes[-1]


def test_metrics_are_where_prometheus_looks():
    config = without_comments("monitoring.config")
    assert re.search(r"enable:\s*true", config)
    assert '"/monitoring/prometheus/metrics"' in config


def test_compose_file_uses_flags_of_the_server_and_files_that_are_there(compose, model_config):
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in compose["command"])
    assert set(flags) == FLAGS
    assert flags["tensorflow_intra_op_parallelism"] == "1"
    mounts = {}
    for volume in compose["volumes"]:
        path, target, mode = volume.split(":")
        assert mode == "ro"
        mounts[target] = path
    # As a folder: a file that is mounted alone stays as it was when an edit replaces it.
    assert mounts["/config"] == "./"
    for path in (value for value in flags.values() if value.startswith("/")):
        assert (SERVING / path.removeprefix("/config/")).is_file()
    assert mounts[model_config.base_path] == f"../exports/{model_config.name}"


def test_the_server_ends_when_it_is_told_to(compose):
    assert compose["init"] is True  # the image's bash, as process 1, would ignore it


def test_ports_are_open_to_this_machine_alone(compose):
    assert compose["ports"] == ["127.0.0.1:8500:8500", "127.0.0.1:8501:8501"]


@pytest.mark.parametrize(
    ("state", "code", "status"), [("AVAILABLE", "OK", 0), ("END", "UNAVAILABLE", 1)]
)
def test_the_server_is_healthy_once_a_version_is_available(compose, state, code, status):
    version = {"version": "1", "state": state, "status": {"error_code": code, "error_message": ""}}
    listed = json.dumps({"model_version_status": [version]}, indent=1)

    def answer():
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + listed.encode())

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        _, *command = compose["healthcheck"]["test"]
        command[-1] = command[-1].replace("8501", str(server.getsockname()[1]))
        assert subprocess.run(command, timeout=60).returncode == status
        thread.join()
