"""New versions of a model, which appear whole or not at all.

TensorFlow Serving takes any child folder with an integer name as soon as it sees it. A version is
therefore built in a hidden folder beside the others, flushed to disk and renamed; a rename is
atomic. Published versions are never written to.
"""

import contextlib
import fcntl
import os
import pathlib
import re
import shutil

from errors import UserError

BUILDING = ".tmp-"  # not an integer, so a server passes it by
LOCK = ".export-lock"


@contextlib.contextmanager
def new_version(base, version=None):
    """Yields an empty folder and its version number; publishes it if the block ends without error.

    An error removes it again. What a killed export left behind goes when the next one starts; the
    lock, which dies with its process, tells such leftovers from an export that is still running.

    Args:
        base: the model's folder, `exports/<name>`; made if need be.
        version: a number that is not yet taken; None takes the next one.

    Raises:
        UserError: if the version exists, or another export to `base` is running.
    """
    base = pathlib.Path(base)
    try:
        base.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"--out must be a folder. Received a file: {error.filename}.") from error
    with _lock(base):
        for leftover in base.glob(BUILDING + "*"):
            shutil.rmtree(leftover)
        version = _free_version(base, version)
        building = base / f"{BUILDING}{version}"
        building.mkdir()
        try:
            yield building, version
            _flush_tree(building)
            building.rename(base / str(version))
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
        _flush(base)


def published_versions(base):
    """Version numbers in a model's folder, ascending, as TensorFlow Serving reads them."""
    children = pathlib.Path(base).iterdir() if pathlib.Path(base).is_dir() else ()
    return sorted(int(child.name) for child in children if re.fullmatch("[0-9]+", child.name))


def _free_version(base, version):
    taken = published_versions(base)
    if version is None:
        return taken[-1] + 1 if taken else 1
    if version in taken:
        raise UserError(
            f"--version must be free: {base} has version {version} already, and a published "
            f"version is never overwritten. The next free one is {taken[-1] + 1}."
        )
    return version


@contextlib.contextmanager
def _lock(base):
    with open(base / LOCK, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"Another export to {base} is running; wait for it to end.") from None
        yield


def _flush_tree(folder):
    for parent, _, files in os.walk(folder):
        for path in (*(os.path.join(parent, file) for file in files), parent):
            _flush(path)


def _flush(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
