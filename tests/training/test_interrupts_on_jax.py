"""Ctrl-C during a step on JAX, where Keras has emptied the net's variables."""

import json

import keras
import numpy as np
import pytest

from tests.training.on_jax import start, training
from trained_nets.run_folder import RunFolder

# Averaged weights; dropout, whose seeds are variables. One step makes an epoch.
NETS = {
    "heatmap_s": ("--set", "batch_size=64", "--epochs", 5),
    "net7": ("--set", "batch_size=64", "--epochs", 5),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def statuses(small_folder, folder):
    trainings = [training("early", "--model", "heatmap_s", *NETS["heatmap_s"], interrupted_in=0)]
    for net, options in NETS.items():
        trainings.append(training(net, "--model", net, *options, interrupted_in=3))
    statuses, said = start(trainings, small_folder, folder).communicate(timeout=900)
    return json.loads(statuses), said


def test_ctrl_c_ends_a_training_as_elsewhere(statuses):
    assert statuses[0] == [130] * 3, statuses[1]


@pytest.mark.parametrize("net", NETS)
def test_the_best_weights_so_far_are_kept(net, statuses, folder):
    run = RunFolder(folder / net)
    results = run.read_config()["results"]
    assert not results["finished"]
    assert np.isfinite(results["valid_rmse_px"])
    model = run.load_model()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    black = np.zeros((1, 96, 96, 1), np.uint8)
    assert np.isfinite(keras.ops.convert_to_numpy(model(black))).all()
