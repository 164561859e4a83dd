"""A training that is killed after any epoch and resumed ends as one that was not."""

import hypothesis
import pytest
from hypothesis import strategies

from benchmarks.run_contents import differing
from tests.killing import killed_in_epoch

EPOCHS = 4
NET1 = ("--model", "net1", "--epochs", EPOCHS, "--set", "hidden_units=3", "--set")


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
    assert not differing(tmp_path / cut, tmp_path / whole)
