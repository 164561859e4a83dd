"""A training that is killed after any epoch and resumed ends as one that was not."""

import csv

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from tests.killing import killed_in_epoch
from trained_nets.run_folder import RunFolder

EPOCHS = 4
NET1 = ("--model", "net1", "--epochs", EPOCHS, "--set", "hidden_units=3", "--set")


def history(folder):
    with open(folder / "history.csv", newline="") as file:
        return [row | {"seconds": ""} for row in csv.DictReader(file)]


@hypothesis.settings(
    max_examples=3,
    phases=[hypothesis.Phase.generate],  # to look for a smaller example takes minutes
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
@hypothesis.given(
    strategies.integers(1, EPOCHS - 1),
    strategies.integers(0, 99),
    strategies.sampled_from(["flip", "none"]),
)
def test_resumed_after_any_epoch_is_as_never_stopped(start_train, tmp_path, epoch, seed, augmented):
    options = (*NET1, f"augmentation={augmented}", "--seed", seed, "--name")
    whole, cut = (f"{kind}-{epoch}-{seed}-{augmented}" for kind in ("whole", "cut"))
    assert start_train(*options, whole) == 0
    with pytest.MonkeyPatch.context() as monkeypatch, killed_in_epoch(epoch, monkeypatch):
        start_train(*options, cut)
    assert start_train(*options, cut, "--resume") == 0
    assert history(tmp_path / cut) == history(tmp_path / whole)
    weights = [RunFolder(tmp_path / each).load_model().get_weights() for each in (cut, whole)]
    for resumed, expected in zip(*weights, strict=True):
        np.testing.assert_array_equal(resumed, expected)
