"""train.py --cluster --machines, on a Ray cluster of two nodes, both of this machine."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading

import pytest

from callbacks import read_history
from tests import ROOT, ray_cluster
from tests.running import results_of, workers_of
from tests.training import on_jax

pytest.importorskip("jax", reason="JAX is not installed: pip install -e '.[jax]'")
pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

_EPOCHS = 120
_NET = ("--model", "net1", "--set", "hidden_units=3", "--epochs", _EPOCHS)


@pytest.fixture(scope="module")
def start(small_folder, tmp_path_factory):
    """Starts train.py in a process of its own, on a cluster, with its output in a pipe."""
    home = tmp_path_factory.mktemp("home")
    cluster = ray_cluster.started_by_hand(home, 2, on_jax.compiling_little(home))
    with cluster as (address, environment):
        places = ["--cluster", address, "--data", small_folder, "--precision", "float32"]

        def start(runs, *options):
            process = subprocess.Popen(
                [sys.executable, "train.py", *map(str, [*_NET, *places, "--runs", runs, *options])],
                cwd=ROOT,
                env=environment | {"KERAS_BACKEND": "jax"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            timers.append(threading.Timer(300, process.kill))  # rather than wait forever
            timers[-1].start()
            return process

        timers = []
        yield start
        for timer in timers:
            timer.cancel()


def read_rows(training, number):
    """Reads a training's output until so many epochs more are done; returns it."""
    output = ""
    for line in training.stdout:
        output += line
        number -= bool(re.match(r" *\d+ +\d\.\d+ ", line))
        if not number:
            return output
    raise AssertionError(output + training.stderr.read())


def kill_the_second_process(run):
    """Kills, of the two that train, the one that does not hold the run folder's lock."""
    workers = ray_cluster.processes("ray::RayTrainWorker")
    trainings = [process for worker in workers for process in workers_of(worker)]
    assert len(trainings) == 2
    lock = str(run.with_name(f".lock-{run.name}"))
    (second,) = (process for process in trainings if lock not in open_files(process))
    os.kill(second, signal.SIGKILL)


def open_files(process):
    return [os.readlink(each) for each in pathlib.Path(f"/proc/{process}/fd").iterdir()]


def test_what_sigterm_stopped_and_a_kill_ended_goes_on_as_if_alone(start, small_folder, tmp_path):
    run = tmp_path / "net1"
    training = start(tmp_path, "--machines", 2)
    read_rows(training, 3)
    training.send_signal(signal.SIGTERM)
    output, errors = training.communicate(timeout=300)
    assert training.returncode == 130, errors
    assert "--resume to go on" in output
    epochs = results_of(run)["epochs_run"]
    assert 3 <= epochs < _EPOCHS

    training = start(tmp_path, "--machines", 2, "--resume")
    output = read_rows(training, 2)
    kill_the_second_process(run)
    rest, errors = training.communicate(timeout=300)
    output += rest
    assert training.returncode == 0, errors
    assert output.count("A process was lost: process 1 ended with status -9. All start") == 1
    assert output.count(f"Continuing after epoch {epochs}.") == 2
    assert results_of(run)["finished"]
    assert json.loads((run / "config.json").read_text())["devices"] == 2

    alone = on_jax.start([on_jax.training("alone", *_NET)], small_folder, tmp_path)
    assert alone.wait(timeout=300) == 0
    both = [read_history(each / "history.csv") for each in (run, tmp_path / "alone")]
    assert [row["epoch"] for row in both[0]] == [row["epoch"] for row in both[1]]
    losses = [[float(row["valid_loss"]) for row in rows] for rows in both]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--machines", 3), "--machines 3 needs 3 machines, and the Ray cluster has 2."),
        # This one is found by the processes, which do not start again.
        (("--machines", 2, "--devices", 9), "--devices must be at most the number of devices that"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(options, message, start, tmp_path):
    training = start(tmp_path, *options)
    output, errors = training.communicate(timeout=300)
    assert training.returncode == 2
    (line,) = (line for line in errors.splitlines() if line.startswith("train.py: "))
    assert line.startswith("train.py: error: ")
    assert message in line
    assert "lost" not in output
    assert not (tmp_path / "net1").exists()
