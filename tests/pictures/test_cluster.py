"""predict.py --cluster, on a small Ray cluster of this machine: as one process finds it."""

import _thread
import os
import pathlib
import shutil
import signal
import sys
import threading
import time

import pytest

import pictures
import predict
from pictures.records import Tally
from tests import ray_cluster
from tests.pictures import stand_in_finder
from tests.pictures.stand_in_finder import DEADLY, SLOW, StandIn, write_pictures
from tests.running import run_script

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytest.importorskip("pyarrow")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture(scope="module", autouse=True)
def _tests_sent():
    """Sends the stand-in itself, for nodes have no tests."""
    ray.cloudpickle.register_pickle_by_value(stand_in_finder)


@pytest.fixture(scope="module")
def cluster():
    with ray_cluster.started(1, 1) as nodes:
        yield nodes


def write(cluster, paths, out, jobs=None):
    outputs = pictures.Outputs(out)
    return pictures.write_keypoints(paths, StandIn(), outputs, jobs, cluster.address)


def actors():
    """The processes that find faces on this process's cluster."""
    return ray_cluster.processes("ray::_Actor")


def once_both_find(act):
    """Calls a function in another thread as soon as there are two processes at work."""

    def watch():
        deadline = time.monotonic() + 300
        while len(actors()) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(1.0)
        act()

    threading.Thread(target=watch, daemon=True).start()


def test_a_trained_net_answers_the_same_on_two_nodes(cluster, tmp_path, monkeypatch, capsys):
    write_pictures(tmp_path / "in", range(10, 150))  # three batches
    (tmp_path / "in/0070.png").write_bytes(b"no picture")
    monkeypatch.chdir(tmp_path)  # paths are those of the folder that the command runs in
    options = ["--preset", "heatmap_s", "in"]
    options += ["--draw", "drawn"]
    assert run_script(predict, *options, "--out", "one.parquet") == 1
    shutil.rmtree("drawn")
    options += ["--cluster", cluster.address]
    assert run_script(predict, *options, "--out", "two.parquet") == 1
    assert len(list(pathlib.Path("drawn").iterdir())) == 139
    one, two = (pathlib.Path(name, "part-00000.parquet") for name in ("one.parquet", "two.parquet"))
    assert one.read_bytes() == two.read_bytes()
    assert capsys.readouterr().err.count("0070.png cannot be read") == 2


def test_a_mistake_is_told_once(cluster, tmp_path, capfd):
    (face,) = write_pictures(tmp_path / "in", [9])
    options = [tmp_path / "no_run", face, "--cluster", cluster.address]
    assert run_script(predict, *options) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert f"{tmp_path}/no_run" in line


def test_a_killed_process_s_pictures_are_found_by_another(cluster, tmp_path, capfd):
    paths = write_pictures(tmp_path / "in", [9] * 30 + [SLOW] * 3 + [9] * 60)
    once_both_find(lambda: os.kill(actors()[0], signal.SIGKILL))
    assert write(cluster, paths, tmp_path / "found.csv") == 0
    assert write_alone(paths, tmp_path / "alone.csv") == 0
    assert (tmp_path / "found.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()
    assert "error" not in capfd.readouterr().err


def write_alone(paths, out):
    return pictures.write_keypoints(paths, StandIn(), pictures.Outputs(out))


def test_a_picture_that_ends_every_process_is_told_and_the_others_stay(cluster, tmp_path, capsys):
    paths = write_pictures(tmp_path / "in", [9] * 40 + [DEADLY] + [9] * 23)
    assert write(cluster, paths, tmp_path / "found.csv", jobs=2) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"At the pictures from {paths[32]} to {paths[47]}, 3 processes have ended" in line
    assert "Ended after 32 of 64 pictures" in line
    assert len((tmp_path / "found.csv").read_text().splitlines()) == 1 + 32 * 15


def test_ctrl_c_keeps_what_was_found(cluster, tmp_path, capsys, monkeypatch):
    paths = write_pictures(tmp_path / "in", [9] * 16 + [SLOW] * 600)
    add = Tally.add

    def add_and_interrupt(tally, other):
        add(tally, other)
        if tally.pictures == 16:
            threading.Timer(1.0, _thread.interrupt_main).start()

    monkeypatch.setattr(Tally, "add", add_and_interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert write(cluster, paths, tmp_path / "found.csv") == 130
    finally:
        signal.signal(signal.SIGINT, before)
    assert "interrupted after 16 of 616 pictures" in capsys.readouterr().err
    assert not actors()


def test_a_lost_node_s_pictures_are_found_on_another(tmp_path, capfd):
    paths = write_pictures(tmp_path / "in", [SLOW] * 3 + [9] * 120)
    with ray_cluster.started(1, 1) as nodes:
        _, other = nodes.list_all_nodes()
        once_both_find(lambda: nodes.remove_node(other, allow_graceful=False))
        assert write(nodes, paths, tmp_path / "found.csv") == 0
    assert write_alone(paths, tmp_path / "alone.csv") == 0
    assert (tmp_path / "found.csv").read_bytes() == (tmp_path / "alone.csv").read_bytes()
