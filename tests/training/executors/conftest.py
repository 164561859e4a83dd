import os
import subprocess
import sys

import pytest

from tests import ROOT
from tests.running import heed_ctrl_c

EPOCHS = 60


@pytest.fixture(scope="package")
def begin(small_folder):
    """Starts train.py in a process of its own, with one thread, to train two folds."""

    def start(runs, *options):
        command = [sys.executable, "-m", "tests.training.executors.saves_often"]
        command += [*folds(small_folder, runs), *map(str, options)]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"TF_NUM_INTRAOP_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed_ctrl_c,
        )

    return start


def folds(data, runs):
    """The options of train.py for two folds of a net with few weights."""
    options = ["--model", "net1", "--folds", 2, "--epochs", EPOCHS, "--set", "hidden_units=3"]
    return [*map(str, options), "--precision", "float32", "--data", str(data), "--runs", str(runs)]


@pytest.fixture(scope="package")
def trained_alone(begin, tmp_path_factory):
    """The run folder of two folds, trained one after the other; not to be changed."""
    runs = tmp_path_factory.mktemp("alone")
    training = begin(runs)
    _, errors = training.communicate(timeout=300)
    assert training.returncode == 0, errors
    return runs / "net1"


def wait_for_rows(training, names, epoch=3):
    """Reads and returns a training's output until these nets have trained that many epochs."""
    waiting, output = set(names), ""
    for line in training.stdout:
        output += line
        name, number, *_ = [*line.split(), "", ""]
        if number == str(epoch):
            waiting.discard(name)
        if not waiting:
            return output
    raise AssertionError(training.stderr.read())
