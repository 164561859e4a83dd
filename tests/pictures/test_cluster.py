"""predict.py --cluster, on a small Ray cluster of this machine: as one process finds it.

Commands run in processes of their own, which Ray ends if their node does.
"""

import os
import shutil
import signal
import sys
import time

import pytest

import pictures
from tests import ROOT, ray_cluster, running
from tests.pictures import stand_in_finder
from tests.pictures.stand_in_finder import DEADLY, WAITING, StandIn, write_pictures

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytest.importorskip("pyarrow")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

PREDICT = ROOT / "predict.py"
BATCHES = ([WAITING] + [9] * 15) * 5  # none of which ends before the gate is there


@pytest.fixture(scope="module")
def cluster():
    with ray_cluster.started(1, 1) as nodes:
        yield nodes


def start(cluster, tmp_path, *options):
    """Starts to find the faces of the test's pictures, with the stand-in."""
    options = ("--cluster", cluster.address, *options)
    return stand_in_finder.start(tmp_path / "in", tmp_path / "found.csv", *options)


def ended(run, status):
    """Waits for the end; returns what was printed."""
    _, errors = run.communicate(timeout=300)
    assert run.returncode == status, errors
    return errors


def require_same_alone(paths, tmp_path):
    """Requires that this process finds the same."""
    alone = tmp_path / "alone.csv"
    assert pictures.write_keypoints(paths, StandIn(), pictures.Outputs(alone)) == 0
    assert (tmp_path / "found.csv").read_bytes() == alone.read_bytes()


def actors(doing=""):
    """The processes that find faces on this process's cluster."""
    return ray_cluster.processes(f"ray::_Actor{doing}")


def wait_until_both_find():
    deadline = time.monotonic() + 300
    while len(actors(".find")) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_trained_net_answers_the_same_on_two_nodes(cluster, tmp_path):
    write_pictures(tmp_path / "in", range(10, 150))  # three batches
    (tmp_path / "in/0070.png").write_bytes(b"no picture")
    given = ("--preset", "heatmap_s", "in")
    for out, options in (("one.parquet", ()), ("two.parquet", ("--cluster", cluster.address))):
        outputs = ("--draw", "drawn", "--out", out)  # paths are those of the folder it runs in
        done = running.start(PREDICT, *given, *outputs, *options, folder=tmp_path)
        assert done.returncode == 1, done.stderr
        assert done.stderr.count("0070.png cannot be read") == 1
        assert len(list((tmp_path / "drawn").iterdir())) == 139
        shutil.rmtree(tmp_path / "drawn")
    one, two = (tmp_path / f"{name}.parquet/part-00000.parquet" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_mistake_is_told_once(cluster, tmp_path):
    (face,) = write_pictures(tmp_path / "in", [9])
    done = running.start(PREDICT, tmp_path / "no_run", face, "--cluster", cluster.address)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"{tmp_path}/no_run" in line


def test_a_killed_process_s_pictures_are_found_by_another(cluster, tmp_path):
    paths = write_pictures(tmp_path / "in", BATCHES)
    gate = tmp_path / "gate"
    run = start(cluster, tmp_path, "--gate", gate)
    wait_until_both_find()
    os.kill(actors()[0], signal.SIGKILL)
    gate.touch()
    assert "error:" not in ended(run, 0)  # Ray may say more
    require_same_alone(paths, tmp_path)


def test_a_picture_that_ends_every_process_costs_itself_alone(cluster, tmp_path):
    paths = write_pictures(tmp_path / "in", [9] * 20 + [DEADLY] + [9] * 23)
    said = ended(start(cluster, tmp_path), 1)  # and perhaps Ray, of the processes
    assert said.count(f"skipped: {paths[20]} ended each process that tried to read it") == 1
    assert said.count("1 of 44 pictures could not be read") == 1
    assert len((tmp_path / "found.csv").read_text().splitlines()) == 1 + 43 * 15 + 1


def test_ctrl_c_keeps_what_was_found(cluster, tmp_path):
    write_pictures(tmp_path / "in", [9] * 16 + [WAITING] * 48)
    run = start(cluster, tmp_path, "--gate", tmp_path / "never")
    wait_until_both_find()
    time.sleep(5.0)  # for the first batch, which takes next to no time, to be written
    run.send_signal(signal.SIGINT)
    assert "interrupted after 16 of 64 pictures" in ended(run, 130)
    assert not actors()


def test_a_lost_node_s_pictures_are_found_on_another(tmp_path):
    paths = write_pictures(tmp_path / "in", BATCHES)
    gate = tmp_path / "gate"
    with ray_cluster.started(1, 1) as nodes:
        _, other = nodes.list_all_nodes()
        run = start(nodes, tmp_path, "--gate", gate)
        wait_until_both_find()
        nodes.remove_node(other, allow_graceful=False)
        gate.touch()
        ended(run, 0)
    require_same_alone(paths, tmp_path)
