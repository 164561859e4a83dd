"""train.py --cluster, on a small Ray cluster of this machine."""

import os
import signal
import sys

import pytest

from benchmarks.run_contents import differing
from tests import ray_cluster
from tests.training.executors.conftest import EPOCHS, wait_for_rows

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture(scope="module")
def cluster():
    """A cluster of two cores."""
    with ray_cluster.started(2) as cluster:
        yield cluster


def begin_folds(begin, cluster, runs, *options):
    """Starts to train two folds on a cluster; returns the process once both train."""
    training = begin(runs, "--cluster", cluster.address, *options)
    return training, wait_for_rows(training, ("fold1", "fold2"))


def workers():
    """The processes that train on this process's cluster."""
    return ray_cluster.processes("ray::train_on_node")


def test_a_killed_task_is_tried_again_and_nothing_differs(begin, cluster, trained_alone, tmp_path):
    training, output = begin_folds(begin, cluster, tmp_path)
    os.kill(workers()[0], signal.SIGKILL)
    require_one_begun_again(training, output)
    assert not differing(tmp_path / "net1", trained_alone)


def require_one_begun_again(training, output):
    """Waits for the end; of the two nets' tables one must begin twice, and both end once."""
    rest, errors = training.communicate(timeout=300)
    assert training.returncode == 0, errors
    lines = [line.split()[:2] for line in (output + rest).splitlines()]
    begun = []
    for name in ("fold1", "fold2"):
        assert lines.count([name, str(EPOCHS)]) == 1
        begun.append(lines.count([name, "epoch"]))
    assert sorted(begun) == [1, 2]


def test_ctrl_c_saves_all(begin, cluster, tmp_path):
    # So long that no training ends before Ray notices the interrupt.
    training, output = begin_folds(begin, cluster, tmp_path, "--epochs", 3000)
    training.send_signal(signal.SIGINT)
    rest, errors = training.communicate(timeout=300)
    assert training.returncode == 130, errors
    assert "--resume to go on" in output + rest
    for name in ("fold1", "fold2"):
        assert (tmp_path / "net1" / name / "model.keras").exists()


def test_a_lost_node_s_training_goes_on_on_another(begin, trained_alone, tmp_path):
    with ray_cluster.started(1, 1) as cluster:
        _, other = cluster.list_all_nodes()
        training, output = begin_folds(begin, cluster, tmp_path)
        nodes = set(map(ray_cluster.parent, workers()))
        cluster.remove_node(other, allow_graceful=False)
        require_one_begun_again(training, output)
    assert len(nodes) == 2  # one training on each
    assert not differing(tmp_path / "net1", trained_alone)


def test_the_end_of_this_machine_s_node_ends_the_training(begin, tmp_path):
    with ray_cluster.started(2) as cluster:
        training, _ = begin_folds(begin, cluster, tmp_path, "--epochs", 3000)
        cluster.head_node.kill_raylet()
        _, errors = training.communicate(timeout=300)
    if training.returncode in (-signal.SIGABRT, -signal.SIGSEGV):
        return  # Ray's own threads noticed it first, and ended the process in their way
    assert training.returncode == 1
    assert "Traceback" not in errors
    assert errors.count("error: This machine's Ray node has ended") == 1  # Ray may say more
