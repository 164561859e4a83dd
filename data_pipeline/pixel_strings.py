"""Parses the pixel strings of Kaggle's tables.

NumPy takes half the time of `tf.data` with two cores, and needs no TensorFlow.
"""

import re
import warnings
from collections.abc import Callable, Iterable

import numpy as np

import keypoint_schema
from errors import UserError

_SIZE = keypoint_schema.IMAGE_SIZE
_NUM_PIXELS = _SIZE**2
_FORM = f"{_NUM_PIXELS:,} whole numbers 0–255 belong, separated by spaces"


def parse_pixels(texts: Iterable[str], place: Callable[[int], str]) -> np.ndarray:
    """Parses gray values that are separated by spaces.

    Args:
        texts: N strings, empty where a field is.
        place: what errors call a row, counted from 0.

    Returns:
        uint8 `(N, 96, 96, 1)`.

    Raises:
        UserError: naming the place of the first row that is wrong, and what is wrong with it.
    """
    texts = list(texts)
    images = np.empty((len(texts), _NUM_PIXELS), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how NumPy < 2.3 reports other text
        for row, text in enumerate(texts):
            try:
                # int64: smaller types would silently take 65,636 for 100.
                numbers = np.fromstring(text, np.int64, sep=" ")
            except (ValueError, DeprecationWarning):
                numbers = None
            if numbers is None or len(numbers) != _NUM_PIXELS or (numbers & ~255).any():
                raise UserError(f"{place(row)}: {_what_is_wrong(text)} where {_FORM}")
            images[row] = numbers
    return images.reshape(-1, _SIZE, _SIZE, 1)


def _what_is_wrong(text):
    fields = re.findall(r"[^ \t\n\r\f\v]+", text)  # unlike split(), blind to Unicode's spaces
    for field in fields:
        if not re.fullmatch(r"[+-]?[0-9]+", field):
            is_number = re.fullmatch(r"[+-]?[0-9]+\.[0-9]*", field)
            return field[:20] if is_number else f"text among the numbers ({field[:20]!r})"
    if not fields:
        return "nothing"
    if len(fields) != _NUM_PIXELS:
        return f"{len(fields):,} values"
    return next(field for field in fields if not 0 <= float(field) <= 255)[:20]
