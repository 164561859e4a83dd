"""Parses the pixel strings of Kaggle's tables, with NumPy, which needs no TensorFlow."""

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
    for row, text in enumerate(texts):
        numbers = _usual_numbers(text)
        if numbers is None:
            numbers = _numbers(text)
        if numbers is None or len(numbers) != _NUM_PIXELS or (numbers & ~255).any():
            raise UserError(f"{place(row)}: {_what_is_wrong(text)} where {_FORM}")
        images[row] = numbers
    return images.reshape(-1, _SIZE, _SIZE, 1)


def _usual_numbers(text):
    """Parses a picture's numbers as Kaggle writes them, in half the time that NumPy takes.

    Returns:
        int16 `(9216,)`; None unless there are so many, of up to three digits, with one space
        between any two.
    """
    codes = np.frombuffer(f" {text} ".encode(errors="replace"), np.uint8)
    spaces = np.flatnonzero(codes == ord(" "))
    digits = codes - ord("0")  # of other characters, above 9, for these are unsigned
    ends, lengths = spaces[1:], np.diff(spaces) - 1
    if (
        len(ends) != _NUM_PIXELS
        or len(spaces) + np.count_nonzero(digits <= 9) != len(codes)
        or lengths.min() < 1
        or lengths.max() > 3
    ):
        return None
    numbers = digits[ends - 1].astype(np.int16)
    for place, weight in ((2, 10), (3, 100)):
        numbers += np.where(lengths >= place, digits[ends - place], 0).astype(np.int16) * weight
    return numbers


def _numbers(text):
    """Parses whole numbers with any white space between them; None if there is anything else."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)  # how NumPy < 2.3 reports other text
        try:
            # int64: smaller types would silently take 65,636 for 100.
            return np.fromstring(text, np.int64, sep=" ")
        except (ValueError, DeprecationWarning):
            return None


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
