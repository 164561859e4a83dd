"""train.py --cluster, on a small Ray cluster of this machine."""

import _thread
import os
import pathlib
import signal
import sys
import threading
import time

import pytest

import train
from tests.running import run_script
from tests.training.executors.conftest import folds, without_logs

pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture(scope="module")
def start_folds(small_folder):
    """Trains two folds on a cluster of two cores, into a folder; returns the exit status."""
    import ray
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # leaves the person's token alone
        patch.setenv("TF_NUM_INTRAOP_THREADS", "1")
        on_sigterm = signal.getsignal(signal.SIGTERM)
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 2,
                "object_store_memory": 80 * 2**20,
                "include_dashboard": False,
            },
        )
        yield lambda runs, *options: run_script(
            train, *folds(small_folder, runs), "--cluster", cluster.address, *options
        )
        ray.shutdown()
        cluster.shutdown()
        signal.signal(signal.SIGTERM, on_sigterm)


def once_it_trains(runs, act):
    """Calls a function in another thread as soon as both nets have trained three epochs."""

    def watch():
        histories = [runs / "net1" / name / "history.csv" for name in ("fold1", "fold2")]
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if all(file.exists() and file.read_text().count("\n") > 3 for file in histories):
                act()
                return
            time.sleep(0.02)

    threading.Thread(target=watch, daemon=True).start()


def kill_a_worker():
    """Kills one of this process's cluster."""
    for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if command.read_text().startswith("ray::_train_on_node"):
                process = int(command.parent.name)
                if parent(parent(process)) == os.getpid():
                    os.kill(process, signal.SIGKILL)
                    return
        except OSError:  # ended meanwhile
            continue


def parent(process):
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(status.split("PPid:")[1].split()[0])


def test_a_killed_task_is_tried_again_and_nothing_differs(
    start_folds, trained_alone, tmp_path, capsys
):
    once_it_trains(tmp_path, kill_a_worker)
    assert start_folds(tmp_path) == 0
    # The table of one of them begins a second time.
    lines = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    again = {name: lines.count([name, "epoch"]) for name in ("fold1", "fold2")}
    assert sorted(again.values()) == [1, 2]
    for name in again:
        assert lines.count([name, "60"]) == 1
    assert without_logs(tmp_path / "net1") == trained_alone


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
