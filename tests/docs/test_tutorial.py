"""docs/tutorial.md: every command and snippet runs, and they make every figure."""

import importlib
import itertools
import pathlib
import re
import runpy
import shlex

import keras
import numpy as np
import pytest

import data_pipeline
import evaluation.report
import models
from tests import ROOT, narrow_nets, small_data

TEXT = (ROOT / "docs" / "tutorial.md").read_text()
# Options that replace a default which would take too long in a test.
SMALLER = {
    "train.py": ["--epochs", "1"],
    "examples/search_dropout.py": [
        "--faces",
        "16",
        "--folds",
        "2",
        "--epochs",
        "1",
        "--dropout",
        "none",
    ],
}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def commands():
    lines = [line for block in blocks("bash") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines]


def values(option):
    """What the commands give an option, in the page's order."""
    pairs = (pair for command in commands() for pair in itertools.pairwise(command))
    return [value for name, value in pairs if name == option]


def run(script, arguments):
    if script.startswith("examples/"):
        return runpy.run_path(str(ROOT / script))["main"](arguments)
    return importlib.import_module(pathlib.Path(script).stem).main(arguments)


@pytest.fixture(scope="module")
def finished(small_folder, tmp_path_factory):
    """All commands of the page, run in its order in one folder, on a few faces."""
    folder = tmp_path_factory.mktemp("tutorial")
    policy = keras.config.dtype_policy()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        narrow_nets.put_into_zoo(monkeypatch)
        # What figures look like is tested elsewhere, and drawing sixty takes longer than the rest.
        monkeypatch.setattr(evaluation.report, "rendered", lambda figure, kind: b"a picture")
        for script, *arguments in commands():
            data = [] if "--list" in arguments else ["--data", str(small_folder)]
            status = run(script, [*arguments, *SMALLER.get(script, []), *data])
            assert not status, (script, arguments)
    keras.config.set_dtype_policy(policy)
    return folder


def test_every_command_runs_and_writes_what_the_page_says(finished):
    assert (finished / "submission.csv").read_text().startswith("RowId,Location\n")
    assert len(values("--report")) == 4
    for folder in values("--report"):
        assert (finished / folder / "index.html").exists()
    shown = re.findall(r"<!-- table: (\S+) -->", TEXT)
    assert len(shown) == 2
    for file in shown:
        assert "| net7 |" in (finished / file).read_text()


def test_every_figure_of_the_page_is_made_by_its_commands(finished):
    shown = re.findall(r"!\[.*?\]\(figures/(.*?)\)", TEXT)
    made = {path.name for path in finished.glob("report/*/figures/*")}
    assert len(shown) >= 9
    assert set(shown) <= made


def test_every_figure_of_the_page_is_there():
    for file in re.findall(r"!\[.*?\]\((.*?)\)", TEXT):
        assert (ROOT / "docs" / file).stat().st_size > 1000


def test_snippets_run(monkeypatch):
    images, keypoints = small_data.faces()
    rows = np.arange(500) % len(images)  # few pictures, many rows
    many = data_pipeline.FaceData(images[rows], keypoints[rows], rows)
    monkeypatch.setattr(data_pipeline, "load_faces", lambda *_: many)
    exec(compile("\n".join(blocks("python")), "docs/tutorial.md", "exec"), {})


def test_the_page_names_nets_that_exist():
    named = set(values("--model")) - {"specialists"}
    assert named == set(list(models.ZOO)[:7])
