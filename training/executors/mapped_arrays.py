"""Hands arrays to other processes of this machine, once for all of them."""

import dataclasses
import mmap
import pathlib
import pickle

import atomic_write


@dataclasses.dataclass(frozen=True)
class Mapped:
    """An object whose arrays are in files.

    Attributes:
        pickled: the rest of it, to be sent from process to process.
        files: with the content of each array.
    """

    pickled: bytes
    files: tuple[pathlib.Path, ...]


def store(value, folder: pathlib.Path) -> Mapped:
    """Writes the contiguous arrays of an object into files of a folder.

    Raises:
        UserError: if a file cannot be written.
    """
    buffers, files = [], []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    for number, buffer in enumerate(buffers):
        file = folder / f"array{number}"
        with atomic_write.refusals_named(file):
            file.write_bytes(buffer.raw())
        files.append(file)
    return Mapped(pickled, tuple(files))


def load(mapped: Mapped):
    """Returns the object. Its arrays are read-only, and share the memory of all that load it."""
    return pickle.loads(mapped.pickled, buffers=[_map(file) for file in mapped.files])


def _map(file):
    if not file.stat().st_size:  # cannot be mapped
        return b""
    with open(file, "rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
