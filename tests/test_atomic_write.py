"""Places for results are tried before the work, and files are written whole."""

import errno
import os
import pathlib
import tempfile

import pytest

import atomic_write
from errors import UserError


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    there = tmp_path / "there.csv"
    there.write_text("kept")
    atomic_write.require_writable(there)
    atomic_write.require_writable(tmp_path / "new" / "folder" / "file.csv")
    assert list(tmp_path.iterdir()) == [there]
    assert there.read_text() == "kept"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        (".", "is a folder. Name a file in it"),
        ("file/x.csv", "file is a file and no folder"),
        ("file/figures/x.png", "file is a file and no folder"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_told(tmp_path, place, reason):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=reason):
        atomic_write.require_writable(tmp_path / place)


def test_a_folder_that_takes_no_files_is_told_by_its_own_reason(tmp_path, monkeypatch):
    def refuse(dir):
        assert pathlib.Path(dir) == tmp_path
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(UserError, match=r"a/b\.csv cannot be written: Read-only file system"):
        atomic_write.require_writable(tmp_path / "a" / "b.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_written_with_its_folders_and_nothing_else(tmp_path):
    atomic_write.write_text(tmp_path / "a" / "b.txt", "é")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"\xc3\xa9"
    assert list((tmp_path / "a").iterdir()) == [tmp_path / "a" / "b.txt"]


@pytest.mark.skipif(os.name != "posix", reason="rights of other kinds")
def test_a_file_that_is_replaced_keeps_who_may_read_it(tmp_path):
    old = tmp_path / "models.config"
    old.write_text("old")
    old.chmod(0o644)
    umask = os.umask(0o077)
    try:
        atomic_write.write_text(old, "new")
        atomic_write.write_text(tmp_path / "other", "new")
    finally:
        os.umask(umask)
    assert old.read_text() == "new"
    assert [path.stat().st_mode & 0o777 for path in (old, tmp_path / "other")] == [0o644, 0o600]


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "target", tmp_path / "link.csv"
    link.symlink_to(target)
    for text in ("new", "newer"):  # at first it leads nowhere
        atomic_write.require_writable(link)
        with atomic_write.replacing(link) as temporary:
            assert temporary.parent == target.parent
            assert temporary.suffix == ".csv"  # by which libraries choose a format
            temporary.write_text(text)
        assert target.read_text() == text
        assert link.is_symlink()
    assert set(tmp_path.rglob("*")) == {link, target.parent, target}


def test_a_folder_that_a_link_leads_to_is_created(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "a" / "b")
    atomic_write.require_writable(link)
    atomic_write.write_text(link, "new")
    assert (tmp_path / "a" / "b").read_text() == "new"


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_pipe_is_refused_and_stays(tmp_path, is_linked):
    pipe = path = tmp_path / "pipe"
    os.mkfifo(pipe)
    if is_linked:
        path = tmp_path / "link"
        path.symlink_to(pipe)
    for write in (atomic_write.require_writable, lambda path: atomic_write.write_text(path, "x")):
        with pytest.raises(UserError, match=f"but {path} is a device, a pipe or a socket"):
            write(path)
    assert pipe.is_fifo()
    assert set(tmp_path.iterdir()) == {pipe, path}


def test_links_in_a_circle_are_told_and_stay(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(link)
    with pytest.raises(UserError, match="/link cannot be written: Too many levels"):
        atomic_write.write_text(link, "x")
    assert list(tmp_path.iterdir()) == [link]


def test_a_refused_write_names_the_file_and_leaves_the_old_one(tmp_path):
    (tmp_path / "a").write_text("old")

    def write_half():
        with atomic_write.replacing(tmp_path / "a") as temporary:
            temporary.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match="/a cannot be written: No space left on device"):
        write_half()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_only_temporary_files_of_ended_processes_are_leftovers(tmp_path):
    beyond = 2**22 + 1  # the largest process number of Linux is 2²²
    names = ("model.keras", f".tmp-{os.getpid()}-a", f".tmp-{beyond}-b", ".tmp-export")
    for name in names:
        (tmp_path / name).touch()
    atomic_write.remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*names} - {f".tmp-{beyond}-b"}
    atomic_write.remove_leftovers(tmp_path / "no folder")


def test_leftovers_are_of_the_named_file_alone(tmp_path):
    beyond = 2**22 + 1
    for name in (f".tmp-{beyond}-a.csv", f".tmp-{beyond}-b.csv"):
        (tmp_path / name).touch()
    atomic_write.remove_leftovers(tmp_path, "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == [f".tmp-{beyond}-b.csv"]
