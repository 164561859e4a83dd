"""benchmarks/two_labellers.py shifts the labels of the four-point rows alone."""

import re

from benchmarks import two_labellers


def rows(shift, small_folder, capsys):
    options = [
        "--net",
        "net1",
        "--epochs",
        "1",
        "--seeds",
        "1",
        "--precision",
        "float32",
        "--shift",
        *shift,
    ]
    two_labellers.main(["--data", str(small_folder), *options])
    return dict(re.findall(r"\| ((?:not )?shifted.*?) \| (.*) \|\n", capsys.readouterr().out))


def test_a_shift_of_the_four_point_rows_changes_what_is_learned(small_folder, capsys):
    far = rows(["9", "0"], small_folder, capsys)
    assert len(far) == len(set(far.values())) == 3
    assert all(1 < float(error) < 60 for cells in far.values() for error in cells.split(" | "))


def test_without_a_shift_the_option_alone_makes_a_difference(small_folder, capsys):
    none = rows(["0", "0"], small_folder, capsys)
    assert none["shifted, without the option"] == none["not shifted"]
    assert none["shifted, `source_aware`"] != none["not shifted"]
