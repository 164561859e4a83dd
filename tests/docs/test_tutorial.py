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
REAL = "faces"  # the report on real faces, which nothing here can make
# Options that replace what would take too long in a test.
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


def without(option, arguments):
    """The arguments without an option and its value."""
    if option not in arguments:
        return arguments
    position = arguments.index(option)
    return arguments[:position] + arguments[position + 2 :]


def reports(pattern):
    """What the page shows of reports that its commands make."""
    return [found for found in re.findall(pattern, TEXT) if found[0] != REAL]


def run(script, arguments):
    arguments = without("--budget", arguments)
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
    assert len(values("--report")) == 5
    for folder in values("--report"):
        assert (finished / folder / "index.html").exists()
    shown = reports(r"<!-- table: report/(.*?)/(tables.md) -->")
    assert len(shown) == 2
    for report, file in shown:
        assert "| net5 |" in (finished / "report" / report / file).read_text()


def test_every_figure_of_the_page_is_made_by_its_commands(finished):
    shown = reports(r"!\[.*?\]\(figures/(.*?)/(.*?)\)")
    assert len(shown) >= 9
    for report, name in shown:
        assert (finished / "report" / report / "figures" / name).exists()


def test_every_figure_of_the_page_is_there():
    for file in re.findall(r"!\[.*?\]\((.*?)\)", TEXT):
        assert (ROOT / "docs" / file).stat().st_size > 1000


def test_snippets_run(monkeypatch):
    images, keypoints = small_data.faces()
    rows = np.arange(500) % len(images)  # few pictures, many rows
    many = data_pipeline.FaceData(images[rows], keypoints[rows], rows)
    monkeypatch.setattr(data_pipeline, "load_faces", lambda *_: many)
    exec(compile("\n".join(blocks("python")), "docs/tutorial.md", "exec"), {})


def test_the_page_tells_of_every_net_of_the_tutorial():
    assert set(values("--model")) - {"specialists"} <= set(models.ZOO)
    assert set(re.findall(r"\bnet\d\b", TEXT)) == set(list(models.ZOO)[:7])


def test_reports_of_real_faces_show_no_faces():
    real = {name for report, name in re.findall(r"\(figures/(.*?)/(.*?)\)", TEXT) if report == REAL}
    assert real <= {"learning_curves.svg", "specialist_curves_specialists.svg"}
