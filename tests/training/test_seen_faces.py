"""A run remembers that what it builds on has seen the faces that it holds out."""

import json

import data_pipeline
from evaluation import LabelScope
from trained_nets.predictions import load_nets


def note_of(capsys):
    return " ".join(capsys.readouterr().out.split())


def seen_before(folder):
    return json.loads((folder / "config.json").read_text())["data"].get("seen_before")


def test_seen_faces_are_remembered_and_inherited(start_train, small_folder, tmp_path, capsys):
    net1 = ("--model", "net1", "--epochs", 1)
    assert start_train(*net1, "--hold-out", 0, "--name", "all") == 0
    assert start_train(*net1, "--name", "child", "--init-from", tmp_path / "all") == 0
    assert "all has seen 12 of the 12 faces that are held out here" in note_of(capsys)
    assert seen_before(tmp_path / "child") == 12
    # The child held the same faces out, but had seen them before.
    assert start_train(*net1, "--name", "grandchild", "--init-from", tmp_path / "child") == 0
    assert "child has seen 12 of the 12 faces" in note_of(capsys)
    assert seen_before(tmp_path / "grandchild") == 12
    data = data_pipeline.load_faces(small_folder)
    (judged,) = load_nets([tmp_path / "child"], data, "validation")
    assert judged.predictions.scope == LabelScope.SEEN_BEFORE


def test_faces_that_both_runs_held_out_are_not_seen(start_train, tmp_path, capsys):
    net1 = ("--model", "net1", "--epochs", 1)
    assert start_train(*net1) == 0
    assert start_train(*net1, "--name", "child", "--init-from", tmp_path / "net1") == 0
    assert "has seen" not in note_of(capsys)
    assert seen_before(tmp_path / "child") is None
