"""Which pictures a person named: files, folders, globs, lists of files."""

import glob
import os
import pathlib
import sys
from collections.abc import Iterable

from errors import UserError, looking_at
from pictures.reading import SUFFIXES

_LIST = "@"  # as ImageMagick and 7-Zip mark the name of a list of files


def find_pictures(paths: Iterable[str | os.PathLike]) -> list[pathlib.Path]:
    """Files as named, and the picture files in folders and theirs, in alphabetical order.

    A glob stands for what it matches, also where no shell expanded it; `**` for any folders.
    `@FILE` stands for the files that a list names, one a line, and `@-` for those on standard
    input. They are not looked for here: one that is missing is as one that cannot be read.

    Hidden files and folders, whose names begin with a dot, are left out.

    Raises:
        UserError: if a path does not exist or cannot be looked at, a folder has no picture in it, a
            glob matches nothing, or a list is empty or cannot be read.
    """
    found = []
    for name in map(str, paths):
        if name.startswith(("http://", "https://")):
            raise UserError(f"{name} is an address. Download the picture first: curl -LO {name}")
        with looking_at(name):
            found += _named(name)
    return found


def _named(name):
    path = pathlib.Path(name).expanduser()
    if path.is_dir():
        os.scandir(path).close()  # a folder without rights is refused; rglob takes it for empty
        inside = _inside(path)
        if not inside:
            raise UserError(
                f"{path} has no pictures in it. Looked for files that end with "
                f"{', '.join(SUFFIXES)}."
            )
        return inside
    if path.exists():
        return [path]
    if name.startswith(_LIST):
        return _listed(name.removeprefix(_LIST))
    if glob.has_magic(name):
        return _matching(str(path))
    raise UserError(f"There is no {path}. Name picture files, or folders of them.")


def _inside(folder):
    return sorted(each for each in folder.rglob("*") if _is_picture(each, folder))


def _is_picture(path, folder):
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in SUFFIXES and path.is_file() and not hidden


def _matching(pattern):
    found = []
    for path in sorted(map(pathlib.Path, glob.glob(pattern, recursive=True))):
        if not path.is_dir():
            found.append(path)
        elif "**" not in pattern:  # which matches what is in the folders by itself
            found += _inside(path)
    if not found:
        raise UserError(f"No picture matches {pattern}.")
    return found


def _listed(name):
    try:
        source = sys.stdin.fileno() if name == "-" else pathlib.Path(name).expanduser()
        # A name may have any bytes.
        with open(source, encoding="utf-8-sig", errors="surrogateescape", closefd=name != "-") as f:
            lines = [line.rstrip("\n") for line in f]
    except OSError as error:
        raise UserError(f"The list {name} cannot be read: {error.strerror or error}.") from error
    if any("\0" in line for line in lines):
        raise UserError(f"The list {name} must be a text file with the path of a picture a line.")
    found = [pathlib.Path(line) for line in lines if line.strip()]
    if not found:
        raise UserError(f"The list {name} names no picture.")
    return found
