"""A cache of parsed arrays on disk, so that the second start takes under a second.

A cache file is an uncompressed `.npz`: its zip checksums reveal damage, and nothing is pickled.
Its name carries the version of this format, and it holds the key that it is valid for.
"""

import hashlib
import os
import pathlib
from collections.abc import Callable

import numpy as np

import atomic_write
import npz_file
from errors import UserError

_VERSION = 2  # raise it when the parser or the arrays' meaning changes
_FOLDER = ".facial_keypoints_cache"


def user_folder() -> pathlib.Path | None:
    """This person's cache folder: `facial-keypoints` in `$XDG_CACHE_HOME`, else in `~/.cache`.

    None if there is no home, as for a user of a container without an account.
    """
    try:
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    except RuntimeError:
        return None
    return pathlib.Path(base) / "facial-keypoints"


def cached_arrays(
    key: str,
    name: str,
    build: Callable[[], dict[str, np.ndarray]],
    beside: pathlib.Path | None = None,
) -> dict[str, np.ndarray]:
    """Loads arrays from the cache, or builds and stores them.

    Args:
        key: what the arrays were made from (a fingerprint); another key invalidates the file.
        name: the file's stem.
        build: makes the arrays; called when the cache has none, or a damaged or outdated file.
        beside: the folder of the data. The cache is kept there if it is writable, else in
            `user_folder()`, else nowhere.

    Returns:
        The arrays by name.
    """
    file_name = f"{name}-v{_VERSION}.npz"
    files = [pathlib.Path(beside) / _FOLDER / file_name] if beside is not None else []
    if own := user_folder():
        if beside is not None:  # where there may be other data's
            file_name = f"{hashlib.sha256(key.encode()).hexdigest()[:16]}-{file_name}"
        files.append(own / file_name)
    for file in files:
        arrays = _load(file, key)
        if arrays is not None:
            return arrays
    arrays = build()
    for file in files:
        if _store(file, key, arrays):
            break
    return arrays


def _load(file, key):
    try:
        arrays = npz_file.read_arrays(file)
    except ValueError:
        return None  # absent or damaged: it is built anew
    return arrays if str(arrays.pop("key", None)) == key else None


def _store(file, key, arrays):
    """Whether the file could be written; complete under its name, or not at all."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic_write.remove_leftovers(file.parent)
        with atomic_write.replacing(file) as temporary:
            np.savez(temporary, key=np.array(key), **arrays)
    except (OSError, UserError):  # read-only or full: the cache is a convenience
        return False
    return True
