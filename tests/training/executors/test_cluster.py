"""train.py --cluster, on a small Ray cluster of this machine."""

import _thread
import os
import signal
import sys
import threading
import time

import pytest

import train
from benchmarks.run_contents import differing
from tests import ray_cluster
from tests.running import run_script
from tests.training.executors.conftest import EPOCHS, folds, wait_for_rows

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture(scope="module")
def start_folds(small_folder):
    """Trains two folds on a cluster of two cores, into a folder; returns the exit status."""
    with ray_cluster.started(2) as cluster:
        yield lambda *options: train_folds(cluster, small_folder, *options)


def train_folds(cluster, data, runs, *options):
    return run_script(train, *folds(data, runs), "--cluster", cluster.address, *options)


def once_it_trains(runs, act):
    """Calls a function in another thread as soon as both nets have trained three epochs."""

    def watch():
        histories = [runs / "net1" / name / "history.csv" for name in ("fold1", "fold2")]
        deadline = time.monotonic() + 600
        while time.monotonic() < deadline:
            if all(file.exists() and file.read_text().count("\n") > 3 for file in histories):
                act()
                return
            time.sleep(0.02)

    threading.Thread(target=watch, daemon=True).start()


def workers():
    """The processes that train for this process's cluster."""
    return ray_cluster.processes("ray::train_on_node")


def kill_a_worker():
    os.kill(workers()[0], signal.SIGKILL)


def test_a_killed_task_is_tried_again_and_nothing_differs(
    start_folds, trained_alone, tmp_path, capsys
):
    once_it_trains(tmp_path, kill_a_worker)
    assert start_folds(tmp_path) == 0
    assert times_begun(capsys.readouterr().out) == [1, 2]
    assert not differing(tmp_path / "net1", trained_alone)


def times_begun(output):
    """How many times each net's table begins; all end once."""
    lines = [line.split()[:2] for line in output.splitlines()]
    for name in ("fold1", "fold2"):
        assert lines.count([name, str(EPOCHS)]) == 1
    return sorted(lines.count([name, "epoch"]) for name in ("fold1", "fold2"))


@pytest.fixture
def ctrl_c():
    """Lets Ctrl-C interrupt, which a runner in the background may have switched off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_saves_all(start_folds, ctrl_c, tmp_path, capsys):
    once_it_trains(tmp_path, _thread.interrupt_main)
    # So long that no training ends before Ray notices the interrupt.
    assert start_folds(tmp_path, "--epochs", 3000) == 130
    assert "--resume to go on" in capsys.readouterr().out
    for name in ("fold1", "fold2"):
        assert (tmp_path / "net1" / name / "model.keras").exists()


def test_a_lost_node_s_training_goes_on_on_another(small_folder, trained_alone, tmp_path, capsys):
    with ray_cluster.started(1, 1) as cluster:
        _, other = cluster.list_all_nodes()
        nodes = []

        def kill_the_other():
            nodes.extend(map(ray_cluster.parent, workers()))
            cluster.remove_node(other, allow_graceful=False)

        once_it_trains(tmp_path, kill_the_other)
        assert train_folds(cluster, small_folder, tmp_path) == 0
    assert len(set(nodes)) == 2  # one training on each
    assert times_begun(capsys.readouterr().out) == [1, 2]
    assert not differing(tmp_path / "net1", trained_alone)


def test_the_end_of_this_machine_s_node_ends_the_training(begin, tmp_path):
    with ray_cluster.started(2) as cluster:
        training = begin(tmp_path, "--cluster", cluster.address, "--epochs", 3000)
        wait_for_rows(training, ("fold1", "fold2"))
        cluster.head_node.kill_raylet()
        _, errors = training.communicate(timeout=300)
    if training.returncode in (-signal.SIGABRT, -signal.SIGSEGV):
        return  # Ray's own threads noticed it first, and ended the process in their way
    assert training.returncode == 1
    assert "Traceback" not in errors
    assert errors.count("error: This machine's Ray node has ended") == 1  # Ray may say more
