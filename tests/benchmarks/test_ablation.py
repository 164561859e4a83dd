"""benchmarks/ablation.py: what its table says of the trainings."""

import re

import pytest

from benchmarks import ablation


def test_errors_are_means_over_seeds_and_differences_within_one():
    errors = {  # plain and flip-averaged, for each seed
        ablation.WHOLE: [(2.0, 1.5), (3.0, 1.75)],
        "no faces": [(2.5, 1.25), (2.5, 2.0)],
    }
    assert ablation.table(errors, [4, 7]).splitlines() == [
        "| | RMSE px | flip-averaged | difference, by seed (4, 7) |",
        "|:--|--:|--:|:--|",
        "| the whole recipe | 2.500 | 1.625 |  |",
        "| no faces | 2.500 | 1.625 | -0.250 +0.250 |",
    ]


def test_nets_are_trained_for_real_and_two_at_a_time_alike(small_folder, monkeypatch, capsys):
    changes = {ablation.WHOLE: {}, "all faces": {"rows": "labelled"}}
    monkeypatch.setattr(ablation, "CHANGES", changes)
    alone, together = (train(small_folder, capsys, jobs) for jobs in (1, 2))
    assert list(alone) == list(together) == list(changes)
    for change, errors in alone.items():
        assert all(1 < error < 60 for error in errors)
        # One at a time has all threads, which add up in another order.
        assert together[change] == pytest.approx(errors, abs=0.01)
    assert alone[ablation.WHOLE] != alone["all faces"]


def train(folder, capsys, jobs):
    """Trains for an epoch; returns by change the errors that it prints."""
    options = ["--net", "net1", "--epochs", "1", "--seeds", "3", "--precision", "float32"]
    ablation.main(["--data", str(folder), *options, "--jobs", str(jobs)])
    shown = capsys.readouterr().out
    rows = re.findall(r"seed 3, (.+): ([\d.]+) px, flip-averaged ([\d.]+) px\n", shown)
    for change, plain, averaged in rows:
        assert f"| {change} | {plain} | {averaged} | " in shown
    return {change: [float(plain), float(averaged)] for change, plain, averaged in rows}
