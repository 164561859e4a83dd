"""Publishes new versions of a model, each completely or not at all.

TensorFlow Serving loads any child folder with an integer name as soon as it sees it. A version is
therefore built in a hidden folder beside the others, flushed to disk and renamed; a rename is
atomic. Published versions are never written to.
"""

import contextlib
import errno
import os
import pathlib
import re
import shutil

import atomic_write
import command_line
from errors import UserError, looking_at

try:
    import fcntl
except ImportError:  # Windows has none, and gets no lock
    fcntl = None

BUILDING = ".tmp-export"  # not an integer, so a server ignores it
LOCK = ".export-lock"
REFUSED_WRITE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}
DISK_FULL = os.strerror(errno.ENOSPC)


@contextlib.contextmanager
def new_version(base, version=None):
    """Yields an empty folder and its version number; publishes it if the block ends without error.

    On an error the folder is removed. What a killed export left behind is removed when the next one
    starts; the lock, which ends with its process, distinguishes it from an export still running.

    Args:
        base: the model's folder, `exports/<name>`; created if needed.
        version: a number that is not yet taken; None takes the next one.

    Raises:
        UserError: if the version exists, and as for `building_folder`.
    """
    base = pathlib.Path(base)
    with building_folder(base) as building:
        version = _free_version(base, version)
        yield building, version
        flush_tree(building)
        building.rename(base / str(version))
        atomic_write.flush(base)


@contextlib.contextmanager
def building_folder(base):
    """Yields an empty hidden folder in `base` while no other export writes there.

    Whatever is still in it when the block ends is removed.

    Args:
        base: a folder; created if needed.

    Raises:
        UserError: if `base` cannot be written, its disk is full, its path is not UTF-8, or another
            export to it is running.
    """
    base = pathlib.Path(base)
    if not command_line.is_utf_8(base.absolute()):  # TensorFlow, for one, takes no other paths
        raise UserError(f"--out {base} must be UTF-8, here and in every folder above.")
    building = base / BUILDING
    with contextlib.ExitStack() as stack:
        try:
            base.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_lock(base))
            if building.is_dir():  # of an export that was killed
                shutil.rmtree(building)
            building.mkdir()
        except OSError as error:
            raise _unwritable(base, error.strerror) from error
        try:
            yield building
        except OSError as error:
            if error.errno not in REFUSED_WRITE:
                raise
            raise _unwritable(base, error.strerror) from error
        except Exception as error:
            if DISK_FULL not in str(error):  # how TensorFlow's own file system reports it
                raise
            raise _unwritable(base, DISK_FULL) from error
        finally:
            shutil.rmtree(building, ignore_errors=True)


def flush_tree(folder):
    """Flushes a folder and everything in it to the disk."""
    for parent, _, files in os.walk(folder):
        for path in (*(os.path.join(parent, file) for file in files), parent):
            atomic_write.flush(path)


def published_versions(base):
    """Lists version numbers in a model's folder, ascending, as TensorFlow Serving reads them."""
    children = pathlib.Path(base).iterdir() if pathlib.Path(base).is_dir() else ()
    return sorted(int(child.name) for child in children if re.fullmatch("[0-9]+", child.name))


def refuse_versions_with(base, file):
    """Refuses a model's folder whose versions have a file that tells another format.

    A server takes the newest version for one that it can read.

    Raises:
        UserError: if there is such a version, or the folder cannot be looked at.
    """
    with looking_at(base):
        versions = published_versions(base)
        others = [each for each in versions if (pathlib.Path(base) / str(each) / file).exists()]
    if others:
        raise UserError(
            f"--out must hold versions of one format. Received {base}, whose version {others[0]} "
            f"has a {file}; choose another folder."
        )


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


def _unwritable(base, reason):
    return UserError(
        f"--out {base} cannot be written: {reason}. It must be a folder, or a path for a new one, "
        "where you may create files and the disk has space left."
    )


@contextlib.contextmanager
def _lock(base):
    if fcntl is None:
        yield
        return
    with open(base / LOCK, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"Another export to {base} is running; wait for it to end.") from None
        yield
