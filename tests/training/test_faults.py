"""Full and read-only disks and cut files: one clear line, nothing damaged, and then it goes on."""

import os
import resource
import shutil
import subprocess

import numpy as np
import pytest

import callbacks
import evaluate
import export
import predict
import train
from benchmarks.run_contents import differing
from callbacks import HistoryCSV
from tests.export_stand_in import published
from tests.killing import Killed
from tests.running import run_script
from trained_nets.loading import load_net

NET6 = ("--model", "net6", "--epochs", 2)


@pytest.fixture
def disk(tmp_path):
    """The folder of a small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def start_net6(narrow_zoo, small_folder, monkeypatch):
    """Trains net6, which saves its state every epoch, into a folder; returns the exit status."""
    monkeypatch.setattr(callbacks.resume, "SECONDS_BETWEEN_SAVES", 0.0)
    places = ("--data", small_folder, "--precision", "float32")
    return lambda runs, *options: run_script(train, *NET6, *places, "--runs", runs, *options)


def only_line(capsys):
    (line,) = capsys.readouterr().err.splitlines()
    return line


def leave_free(disk, kilobytes):
    """Fills a disk; returns the file that does."""
    fill = disk / "fill"
    fill.touch()
    sizes = os.statvfs(disk)
    fill.write_bytes(b"x" * (sizes.f_bavail * sizes.f_frsize - 1024 * kilobytes))
    return fill


# What the narrow net6 writes: 2 kB config.json, 22 kB resume.npz, 60 kB model.keras.
@pytest.mark.parametrize(
    ("kilobytes", "file", "options"),
    [
        (0, "config.json", ()),
        (16, "resume.npz", ()),
        (60, "model.keras", ()),
        (16, "tensorboard", ("--tensorboard",)),
    ],
)
def test_a_training_on_a_full_disk_goes_on_when_there_is_space(
    kilobytes, file, options, start_net6, disk, tmp_path, capsys
):
    fill = leave_free(disk, kilobytes)
    assert start_net6(disk, *options) == 2
    assert f"net6/{file} cannot be written: No space left on device." in only_line(capsys)
    assert not list(disk.rglob(".*"))
    fill.unlink()
    resume = () if file == "config.json" else ("--resume",)
    assert start_net6(disk, *options, *resume) == 0
    assert start_net6(tmp_path / "whole") == 0
    assert not differing(disk / "net6", tmp_path / "whole/net6")


def test_a_file_beyond_the_limit_of_the_process_is_told(start_net6, tmp_path, capsys):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        assert start_net6(tmp_path) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "net6/model.keras cannot be written: File too large." in only_line(capsys)
    assert start_net6(tmp_path, "--resume") == 0


def test_a_read_only_folder_is_told(start_net6, disk, capsys):
    assert start_net6(disk) == 0
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    for options in (("--overwrite",), ("--resume",), ("--name", "new")):
        capsys.readouterr()
        assert start_net6(disk, *options) == 2
        assert "cannot be written: Read-only file system." in only_line(capsys)
    assert len(load_net(disk / "net6").predict(np.zeros((1, 96, 96, 1), np.uint8))) == 1
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    assert start_net6(disk, "--overwrite") == 0


@pytest.fixture(scope="module")
def whole_run(small_folder, tmp_path_factory):
    """A finished run of net1; not to be changed."""
    runs = tmp_path_factory.mktemp("runs")
    places = ("--data", small_folder, "--precision", "float32", "--runs", runs)
    assert run_script(train, "--model", "net1", "--epochs", 2, *places) == 0
    return runs / "net1"


def cut(file, share):
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    return content


@pytest.mark.parametrize("share", [0.5, 0.99])
@pytest.mark.parametrize("name", ["config.json", "history.csv", "model.keras"])
def test_a_cut_file_of_a_run_is_named(name, share, whole_run, small_folder, tmp_path, capsys):
    run = shutil.copytree(whole_run, tmp_path / "net1")
    places = ("--data", small_folder, "--precision", "float32", "--runs", tmp_path)
    commands = {
        evaluate: (run, "--data", small_folder),
        train: ("--model", "net1", "--epochs", 2, *places, "--resume"),
        predict: (run, "--data", small_folder, "--submission", tmp_path / "submission.csv"),
        export: (run, "--out", tmp_path / "export"),
    }
    if name == "history.csv":
        commands = {evaluate: commands[evaluate]}  # only this one reads it
    content = cut(run / name, share)
    for script, options in commands.items():
        capsys.readouterr()
        assert run_script(script, *options) == 2
        line = only_line(capsys)
        assert name in line
        assert str(run) in line
    (run / name).write_bytes(content)
    assert run_script(evaluate, *commands[evaluate]) == 0


def test_a_cut_state_is_named_and_changes_nothing(
    whole_run, start_train, tmp_path, monkeypatch, capsys
):
    def kill(self):
        save(self)
        raise Killed

    save = callbacks.ResumeState.save
    with monkeypatch.context() as patch:
        patch.setattr(callbacks.resume, "SECONDS_BETWEEN_SAVES", 0.0)
        patch.setattr(callbacks.ResumeState, "save", kill)
        with pytest.raises(Killed):
            start_train("--model", "net1", "--epochs", 2)
    run = tmp_path / "net1"
    content = cut(run / "resume.npz", 0.99)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    capsys.readouterr()
    assert start_train("--model", "net1", "--epochs", 2, "--resume") == 2
    assert f"{run / 'resume.npz'} does not fit this training" in only_line(capsys)
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before
    (run / "resume.npz").write_bytes(content)
    assert start_train("--model", "net1", "--epochs", 2, "--resume") == 0
    assert not differing(run, whole_run)


def test_a_row_of_the_history_without_its_end_does_not_count(tmp_path):
    history = HistoryCSV(tmp_path / "history.csv")
    history.truncate(0)
    assert history.read() == []
    with open(history.path, "a", newline="") as file:
        file.write("1,0.5,0.5,1,34,0.1,0.01,0.9\r\n2,0.4,0.4,1,30,0.1,0.0")
    assert [row["epoch"] for row in history.read()] == ["1"]
    history.truncate(1)
    assert history.path.read_bytes().endswith(b"\r\n1,0.5,0.5,1,34,0.1,0.01,0.9\r\n")


@pytest.mark.parametrize(
    "name",
    ["saved_model.pb", "variables.index", "variables.data-00000-of-00001", "model_card.json"],
)
def test_a_cut_file_of_an_exported_model_is_told(
    name, small_folder, tmp_path, tmp_path_factory, capsys
):
    version = shutil.copytree(published(tmp_path_factory), tmp_path / "model" / "1")
    (file,) = version.rglob(name)
    cut(file, 0.9)
    assert run_script(evaluate, version, "--data", small_folder, "--rows", "all") == 2
    assert str(version) in only_line(capsys)
