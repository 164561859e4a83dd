"""Mistakes in calling the scripts of benchmarks/, docs/ and examples/: one line and status 2."""

import pytest

from tests import ROOT
from tests.running import start


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--folds", "1"),
        ("--epochs", "0"),
        ("--epochs", "few"),
        ("--faces", "-1"),
        ("--learning-rate", "0"),
        ("--fold", "3"),
    ],
)
def test_search_names_the_option_that_is_wrong(option, value):
    done = start("examples/search_dropout.py", option, value)
    assert done.returncode == 2
    assert option in done.stderr
    assert value in done.stderr
    assert done.stderr.count("\n") == 1


def test_benchmarks_start_as_modules_and_call_themselves_so():
    for name in ("ablation", "inference", "training_throughput"):
        done = start("-m", f"benchmarks.{name}", "--epoch", "0")
        assert done.returncode == 2
        assert done.stderr.startswith(f"python -m benchmarks.{name}: error: ")
        assert done.stderr.count("\n") == 1


def test_search_needs_a_person_or_picture_for_each_fold(small_folder):
    search = ["examples/search_dropout.py", "--data", small_folder]
    done = start(*search, "--faces", 3, "--folds", 4)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--folds must be at most 3, the number of images" in done.stderr


def test_update_of_the_tutorial_changes_nothing_where_its_commands_were_not_run(tmp_path):
    page = ROOT / "docs" / "tutorial.md"
    before = page.read_bytes()
    for folder in (tmp_path, tmp_path / "nowhere"):
        done = start("docs/update_tutorial.py", folder)
        assert done.returncode == 2
        assert done.stderr.startswith(f"update_tutorial.py: error: {folder} lacks report/")
        assert done.stderr.count("\n") == 1
    assert page.read_bytes() == before
