"""Versions appear whole or not at all, whatever kills the export."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import pytest

from errors import UserError
from exporting import publishing
from exporting.publishing import new_version, published_versions
from tests import ROOT


def publish(base, content, version=None):
    with new_version(base, version) as (folder, number):
        (folder / "variables").mkdir()
        (folder / "variables" / "data").write_text(content)
    return number


def read(base):
    return {path.parent.parent.name: path.read_text() for path in base.glob("[0-9]*/*/data")}


def hidden(base):
    return sorted(path.name for path in base.iterdir() if path.name.startswith(".tmp-"))


def test_versions_count_up_from_the_highest(tmp_path):
    base = tmp_path / "deep" / "model"
    assert publish(base, "first") == 1
    assert publish(base, "ninth", version=9) == 9
    assert publish(base, "next") == 10
    assert read(base) == {"1": "first", "9": "ninth", "10": "next"}
    assert published_versions(base) == [1, 9, 10]


@pytest.mark.parametrize("taken", ["3", "003"])  # the server reads both as 3
def test_a_taken_version_is_refused(tmp_path, taken):
    (tmp_path / taken).mkdir()
    with pytest.raises(UserError, match="version 3 already.*The next free one is 4"):
        publish(tmp_path, "new", version=3)
    assert [path.name for path in tmp_path.glob("*3")] == [taken]


def test_the_next_free_version_follows_the_highest(tmp_path):
    for version in (2, 7):
        publish(tmp_path, "old", version)
    with pytest.raises(UserError, match="version 2 already.*The next free one is 8"):
        publish(tmp_path, "new", version=2)


def test_an_error_while_building_leaves_nothing_behind(tmp_path):
    publish(tmp_path, "good")
    with pytest.raises(FileNotFoundError), new_version(tmp_path) as (folder, _):
        (folder / "missing" / "half").write_text("…")
    assert read(tmp_path) == {"1": "good"}
    assert hidden(tmp_path) == []


def test_nothing_is_visible_before_the_end(tmp_path):
    with new_version(tmp_path) as (folder, version):
        assert version == 1
        assert published_versions(tmp_path) == []
        assert not folder.name.isdigit()
    assert published_versions(tmp_path) == [1]


def test_another_user_may_read_a_version(tmp_path):
    before = os.umask(0o022)
    try:
        publish(tmp_path, "served by another user")
    finally:
        os.umask(before)
    assert (tmp_path / "1").stat().st_mode & 0o777 == 0o755


def test_a_second_export_at_the_same_time_is_refused(tmp_path):
    with new_version(tmp_path) as (folder, _):
        with pytest.raises(UserError, match="Another export"):
            publish(tmp_path, "second")
        assert folder.exists()


def test_without_fcntl_an_export_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "fcntl", None)
    publish(tmp_path, "served")
    assert [child.name for child in tmp_path.iterdir()] == ["1"]


def test_other_hidden_folders_are_left_alone(tmp_path):
    notes = tmp_path / ".tmp-my-notes" / "thesis.txt"
    notes.parent.mkdir()
    notes.write_text("years of work")
    publish(tmp_path, "new")
    assert notes.read_text() == "years of work"


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/model"])
def test_a_place_that_cannot_be_a_folder_is_a_clear_error(tmp_path, place):
    (tmp_path / "file").write_text("")
    if place.startswith("/proc") and not pathlib.Path("/proc/self").exists():
        pytest.skip("no /proc, which takes no folders from anybody")
    with pytest.raises(UserError, match=f"--out .*{place} cannot be written: "):
        publish(tmp_path / place, "")


def test_a_folder_without_permission_is_a_clear_error(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot be written: Permission denied"):
        publish(tmp_path, "")


def test_a_path_that_is_not_utf_8_is_a_clear_error(tmp_path):
    base = tmp_path / os.fsdecode(b"caf\xe9") / "exports"
    with pytest.raises(UserError, match="must be UTF-8"), new_version(base):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_clear_error_and_leaves_nothing_behind(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full, which takes no bytes")
    full = "cannot be written: No space left on device"
    with pytest.raises(UserError, match=full), new_version(tmp_path):
        pathlib.Path("/dev/full").write_text("variables")
    with pytest.raises(UserError, match=full), new_version(tmp_path):
        raise RuntimeError("variables.data; No space left on device")  # as TensorFlow says it
    assert published_versions(tmp_path) == []
    assert hidden(tmp_path) == []


KILLED = """
    import importlib.util, os, pathlib, signal, sys

    # By its path: the package's __init__ imports TensorFlow, which takes seconds.
    spec = importlib.util.spec_from_file_location("publishing", "exporting/publishing.py")
    publishing = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(publishing)

    def die(*_, **__):
        os.kill(os.getpid(), signal.SIGKILL)

    moment, base = sys.argv[1], pathlib.Path(sys.argv[2])
    if moment == "flush":
        publishing.atomic_write.flush = die
    if moment == "before the rename":
        pathlib.Path.rename = die
    if moment == "after the rename":
        rename = pathlib.Path.rename
        pathlib.Path.rename = lambda path, target: (rename(path, target), die())
    with publishing.new_version(base) as (folder, _):
        (folder / "variables").mkdir()
        (folder / "variables" / "data").write_text("new")
        if moment == "build":
            die()
"""


@pytest.mark.parametrize("moment", ["build", "flush", "before the rename", "after the rename"])
def test_a_kill_leaves_versions_whole_and_the_next_export_cleans_up(moment, tmp_path):
    publish(tmp_path, "old")
    command = [sys.executable, "-c", textwrap.dedent(KILLED), moment, tmp_path]
    process = subprocess.run(command, cwd=ROOT)
    assert process.returncode == -signal.SIGKILL
    renamed = moment == "after the rename"
    assert read(tmp_path) == ({"1": "old", "2": "new"} if renamed else {"1": "old"})
    assert hidden(tmp_path) == ([] if renamed else [".tmp-export"])
    assert publish(tmp_path, "later") == (3 if renamed else 2)
    assert hidden(tmp_path) == []
