"""benchmarks/training_throughput.py measures both ways to train."""

import re

from benchmarks import training_throughput


def test_both_ways_have_a_speed(small_folder, capsys):
    options = ["--net", "net1", "--epochs", "1", "--rounds", "1", "--precision", "float32"]
    training_throughput.main(["--data", str(small_folder), *options])
    shown = capsys.readouterr().out
    assert "net1, batch 128, 32 faces, median of 1 round\n" in shown
    bare, train_py = (
        int(each.replace(",", "")) for each in re.findall(r"([\d,]+) images/s", shown)
    )
    ratio = float(re.search(r"ratio +([\d.]+)", shown)[1])
    assert bare > 0
    assert abs(ratio - train_py / bare) < 0.01 * ratio + 1 / bare
