"""Mistakes in calling the scripts of docs/ and examples/: one line and exit status 2."""

import os
import subprocess
import sys

import pytest

from tests import ROOT


def start(*command):
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ,
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (["--folds", "1"], "--folds must be at least 2. Received: 1."),
        (["--epochs", "0"], "--epochs must be at least 1. Received: 0."),
        (["--faces", "-1"], "--faces must be at least 0. Received: -1."),
        (["--learning-rate", "0.1", "0"], "--learning-rate must be above 0. Received: 0.0."),
        (["--fold", "3"], "unrecognized arguments: --fold 3"),
    ],
)
def test_search_tells_what_it_cannot_search(wrong, told):
    done = start("examples/search_dropout.py", *wrong)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_search_needs_a_person_or_picture_for_each_fold(small_folder):
    search = ["examples/search_dropout.py", "--data", small_folder]
    done = start(*search, "--faces", 3, "--folds", 4)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--folds must be at most 3: so many images have a label of nose_tip" in done.stderr


def test_update_of_the_tutorial_changes_nothing_where_its_commands_were_not_run(tmp_path):
    page = ROOT / "docs" / "tutorial.md"
    before = page.read_bytes()
    for folder in (tmp_path, tmp_path / "nowhere"):
        done = start("docs/update_tutorial.py", folder)
        assert done.returncode == 2
        assert done.stderr.startswith(f"update_tutorial.py: error: {folder} lacks report/")
        assert done.stderr.count("\n") == 1
    assert page.read_bytes() == before
