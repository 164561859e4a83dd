"""Rows of arrays that stay on disk until they are needed."""

import dataclasses
import functools
import os
from collections.abc import Sequence

import numpy as np

_MOST_MAPPED = 200  # files; each keeps a descriptor open, of which macOS gives a process 256


@dataclasses.dataclass(frozen=True, eq=False)
class StoredRows:
    """An array `(N, …)` whose rows are in files, read when they are needed.

    An index of rows gives other rows, still unread; `numpy.asarray` reads them, and so does the
    index of one row, or one that goes deeper. So a batch is `numpy.asarray(images[rows])`, whether
    `images` is an array or this. Files are mapped into memory: what was read stays there only until
    something else needs the room. Pickled, this is the paths of the files.

    Attributes:
        parts: files and arrays with rows, one after another; at least one.
        ends: int `(parts,)`, how many rows there are up to the end of each part.
        rows: int `(N,)`, positions among all these.
        dtype: of the array.
        row_shape: of each row.
    """

    parts: tuple["NpyFile | np.ndarray", ...]
    ends: np.ndarray
    rows: np.ndarray
    dtype: np.dtype
    row_shape: tuple[int, ...]

    @classmethod
    def all_of(
        cls, parts: Sequence["NpyFile | np.ndarray"], lengths: Sequence[int]
    ) -> "StoredRows":
        """Takes every row of files and arrays that differ only in their number of rows."""
        first = _array(parts[0])
        rows = np.arange(sum(lengths))
        return cls(tuple(parts), np.cumsum(lengths), rows, first.dtype, first.shape[1:])

    @classmethod
    def joined(cls, parts: Sequence["StoredRows | np.ndarray"]) -> "StoredRows":
        """Puts rows one after another, without reading any."""
        stored = [
            part if isinstance(part, cls) else cls.all_of([part], [len(part)]) for part in parts
        ]
        firsts = np.cumsum([0] + [part.ends[-1] for part in stored[:-1]])
        placed = list(zip(stored, firsts, strict=True))
        return dataclasses.replace(
            stored[0],
            parts=sum((part.parts for part in stored), ()),
            ends=np.concatenate([part.ends + first for part, first in placed]),
            rows=np.concatenate([part.rows + first for part, first in placed]),
        )

    def __len__(self):
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(N, …)`."""
        return len(self), *self.row_shape

    def __getitem__(self, index) -> "StoredRows | np.ndarray":
        first, *deeper = index if isinstance(index, tuple) else (index,)
        if first is Ellipsis:
            return np.asarray(self)[index]
        if np.ndim(self.rows[first]) == 0:
            return np.asarray(self[[first]])[(0, *deeper)]
        rows = dataclasses.replace(self, rows=self.rows[first])
        return np.asarray(rows)[(slice(None), *deeper)] if deeper else rows

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Rows in files cannot be an array without a copy.")
        array = self._read()
        return array if dtype is None else array.astype(dtype, copy=False)

    def _read(self):
        if len(self.parts) == 1:
            return _array(self.parts[0])[self.rows]
        numbers = np.searchsorted(self.ends, self.rows, side="right")
        places = self.rows - np.append(0, self.ends[:-1])[numbers]
        order = np.argsort(numbers, kind="stable")
        array = np.empty(self.shape, self.dtype)
        opened = None
        # One row at a time: most parts have but a few of a batch, and an index array takes longer.
        for row, number, place in zip(
            order.tolist(), numbers[order].tolist(), places[order].tolist(), strict=True
        ):
            if number != opened:
                part, opened = _array(self.parts[number]), number
            array[row] = part[place]
        return array


@dataclasses.dataclass(frozen=True)
class NpyFile:
    """A `.npy` file, mapped into memory in each process that uses it.

    Attributes:
        path: where it is.
        changed: when it was written, so that one that is opened later at the same place is not read
            from the older one's map.
    """

    path: str
    changed: int

    @classmethod
    def at(cls, path: str | os.PathLike) -> "NpyFile":
        """Takes the file that is there now.

        Raises:
            OSError: if there is none.
        """
        return cls(os.fspath(path), os.stat(path).st_mtime_ns)

    @property
    def array(self) -> np.ndarray:
        """Its array, read-only.

        Raises:
            OSError: if it cannot be opened.
            ValueError: if it is damaged.
        """
        return _mapped(self)


def _array(part):
    return part.array if isinstance(part, NpyFile) else part


@functools.lru_cache(_MOST_MAPPED)
def _mapped(file):
    try:
        # Without the subclass, whose rows take longer to make.
        return np.asarray(np.lib.format.open_memmap(file.path, mode="r"))
    except OSError:
        raise
    except Exception as error:  # NumPy parses the header as Python, so damage raises anything
        raise ValueError(f"{os.path.basename(file.path)} cannot be read ({error})") from error
