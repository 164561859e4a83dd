"""benchmarks/ablation.py: what its table says of the trainings."""

import re

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


def test_nets_are_trained_for_real(small_folder, monkeypatch, capsys):
    changes = {ablation.WHOLE: {}, "all faces": {"rows": "labelled"}}
    monkeypatch.setattr(ablation, "CHANGES", changes)
    options = ["--net", "net1", "--epochs", "1", "--seeds", "3", "--precision", "float32"]
    ablation.main(["--data", str(small_folder), *options])
    shown = capsys.readouterr().out
    rows = re.findall(r"seed 3, (.+): ([\d.]+) px, flip-averaged ([\d.]+) px\n", shown)
    assert [change for change, *_ in rows] == list(changes)
    for change, plain, averaged in rows:
        assert 1 < float(plain) < 60
        assert f"| {change} | {plain} | {averaged} | " in shown
    assert rows[0][1:] != rows[1][1:]
