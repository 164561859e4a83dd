"""Reads `.npz` files that may be damaged, without pickle."""

import os

import numpy as np

from errors import first_line


def read_arrays(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Reads the arrays of an `.npz` file by name.

    Raises:
        ValueError: if it cannot be read, is damaged, or holds anything but numbers and text.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
    # NumPy parses headers as Python and allocates what they ask for, so damage raises anything.
    except Exception as error:
        raise ValueError(f"it cannot be read ({first_line(error)[:200]})") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # a member that is not an array is handed out raw
            raise ValueError(f"{name} is not an array")
    return arrays
