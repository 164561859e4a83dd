"""Which pictures a person named."""

import errno
import io
import os
import pathlib

import pytest

import pictures
from errors import UserError


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.jpg", "x/c.png", "x/y/d.png", "x/.hidden.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.png", ["a.png"]),
        ("?.*", ["a.png", "b.jpg"]),
        ("**/*.png", ["a.png", "x/c.png", "x/y/d.png"]),
        ("[xz]", ["x/c.png", "x/y/d.png"]),
        ("x/**", ["x/c.png", "x/y/d.png"]),
    ],
)
def test_a_glob_stands_for_what_a_shell_would_name(folder, pattern, expected):
    found = pictures.find_pictures([folder / pattern])
    assert [str(path.relative_to(folder)) for path in found] == expected


def test_a_file_whose_name_looks_like_a_glob_is_that_file(folder):
    odd = folder / "[ab]*.png"
    odd.touch()
    assert pictures.find_pictures([odd]) == [odd]


def test_a_list_names_files_in_its_order(folder, monkeypatch):
    lines = f"{folder}/x/c.png\r\n\n{folder}/with a space.png\n{folder}/a.png"
    (folder / "list.txt").write_bytes(b"\xef\xbb\xbf" + lines.encode() + b"\n\xff.png\n")
    expected = [folder / "x/c.png", folder / "with a space.png", folder / "a.png"]
    found = pictures.find_pictures([f"@{folder}/list.txt", folder / "b.jpg"])
    assert found == [*expected, pathlib.Path(os.fsdecode(b"\xff.png")), folder / "b.jpg"]
    monkeypatch.chdir(folder)
    (folder / "@list.txt").touch()  # a file of that very name is a picture
    assert pictures.find_pictures(["@list.txt"]) == [pathlib.Path("@list.txt")]


def test_a_list_may_come_from_another_program(folder, monkeypatch):
    receiving, sending = os.pipe()
    os.write(sending, f"{folder}/a.png\n".encode())
    os.close(sending)
    with open(receiving) as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert pictures.find_pictures(["@-"]) == [folder / "a.png"]


def test_a_folder_without_rights_is_not_taken_for_empty(folder, monkeypatch):
    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)  # root may look at everything
    with pytest.raises(UserError, match=f"{folder} cannot be opened: Permission denied."):
        pictures.find_pictures([folder])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("z*.png", "No picture matches"),
        ("@absent.txt", "The list absent.txt cannot be read: No such file"),
        ("@empty.txt", "The list empty.txt names no picture"),
        ("@picture.png", "must be a text file"),
    ],
)
def test_what_names_no_picture_is_told(tmp_path, monkeypatch, name, message):
    (tmp_path / "empty.txt").write_text("\n \n")
    whole = io.BytesIO()
    whole.write(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    (tmp_path / "picture.png").write_bytes(whole.getvalue())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        pictures.find_pictures([name])
