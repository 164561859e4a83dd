"""Images that stay on disk until they are needed."""

import dataclasses
import functools
import pathlib
from collections.abc import Sequence

import numpy as np

import keypoint_schema

_MOST_MAPPED = 200  # files; each keeps a descriptor open, of which macOS gives a process 256


@dataclasses.dataclass(frozen=True, eq=False)
class StoredImages:
    """Rows of images uint8 `(N, 96, 96, 1)` in files, read when they are needed.

    An index gives other rows, still unread; `numpy.asarray` reads them. So a batch is
    `numpy.asarray(images[rows])`, whether `images` is an array or this. Files are mapped into
    memory: what was read stays there only until something else needs the room. Pickled, this is
    the paths of the files.

    Attributes:
        parts: files and arrays with images, one after another.
        ends: int `(parts,)`, how many images there are up to the end of each part.
        rows: int `(N,)`, positions among all these images.
    """

    parts: tuple["NpyFile | np.ndarray", ...]
    ends: np.ndarray
    rows: np.ndarray

    dtype = np.dtype(np.uint8)

    @classmethod
    def all_of(cls, parts: Sequence["NpyFile | np.ndarray"], lengths: Sequence[int]):
        """Takes every image of files and arrays that have so many each."""
        return cls(tuple(parts), np.cumsum(lengths), np.arange(sum(lengths)))

    @classmethod
    def joined(cls, parts: Sequence["StoredImages | np.ndarray"]) -> "StoredImages":
        """Puts images one after another, without reading any."""
        stored = [
            part if isinstance(part, cls) else cls.all_of([part], [len(part)]) for part in parts
        ]
        firsts = np.cumsum([0] + [part.ends[-1] for part in stored[:-1]])
        placed = list(zip(stored, firsts, strict=True))
        return cls(
            sum((part.parts for part in stored), ()),
            np.concatenate([part.ends + first for part, first in placed]),
            np.concatenate([part.rows + first for part, first in placed]),
        )

    def __len__(self):
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(N, 96, 96, 1)`."""
        return len(self), *keypoint_schema.IMAGE_SHAPE

    def __getitem__(self, index) -> "StoredImages":
        return dataclasses.replace(self, rows=self.rows[index])

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Images in files cannot be an array without a copy.")
        images = np.empty(self.shape, self.dtype)
        part_of = np.searchsorted(self.ends, self.rows, side="right")
        for number in np.unique(part_of):
            here = part_of == number
            part = self.parts[number]
            part = part.array if isinstance(part, NpyFile) else part
            images[here] = part[self.rows[here] - self.ends[number] + len(part)]
        return images if dtype is None else images.astype(dtype, copy=False)


@dataclasses.dataclass(frozen=True)
class NpyFile:
    """A `.npy` file, mapped into memory in each process that uses it."""

    path: pathlib.Path

    @property
    def array(self) -> np.ndarray:
        """Its array, read-only.

        Raises:
            OSError: if it cannot be opened.
            ValueError: if it is damaged.
        """
        return _mapped(self.path, self.path.stat().st_mtime_ns)


@functools.lru_cache(_MOST_MAPPED)
def _mapped(path, changed):
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception as error:  # NumPy parses the header as Python, so damage raises anything
        raise ValueError(f"{path.name} cannot be read ({error})") from error
