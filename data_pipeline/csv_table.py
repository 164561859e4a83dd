"""Parses and checks the text of Kaggle's tables: pandas for the columns, NumPy for the pixels.

NumPy's number parser reads 3,376 faces in 0.6 s on one core, TensorFlow's string ops take 1.5 s,
which is why the pixel strings do not go through `tf.data`.
"""

import io
import warnings

import numpy as np
import pandas as pd

import keypoint_schema
from errors import UserError

_NUM_PIXELS = keypoint_schema.IMAGE_SIZE**2
_PIXEL_FORM = f"{_NUM_PIXELS:,} gray values 0–255 belong, separated by spaces"


def parse_training(content: bytes, file: str) -> tuple[np.ndarray, np.ndarray]:
    """Parses `training.csv`.

    Args:
        content: the CSV's bytes.
        file: what errors call it.

    Returns:
        Images uint8 `(N, 96, 96, 1)`, and keypoints float32 `(N, 15, 2)` in px, NaN where missing.

    Raises:
        UserError: naming file, row and column of what is wrong.
    """
    columns = keypoint_schema.column_names()
    table = _read(content, file, [*columns, "Image"])
    keypoints = np.stack([_coordinates(table, column, file) for column in columns], axis=1)
    keypoints = keypoints.astype(np.float32).reshape(len(table), keypoint_schema.NUM_KEYPOINTS, 2)
    return _images(table, file), keypoints


def parse_test(content: bytes, file: str) -> tuple[np.ndarray, np.ndarray]:
    """Parses `test.csv`: images uint8 `(N, 96, 96, 1)` and their `ImageId`s, int64 `(N,)`.

    Raises:
        UserError: naming file, row and column of what is wrong.
    """
    table = _read(content, file, ["ImageId", "Image"])
    return _images(table, file), parse_integers(table, "ImageId", file)


def parse_integers(table: pd.DataFrame, column: str, file: str) -> np.ndarray:
    """A column of whole numbers as int64 `(N,)`.

    Raises:
        UserError: naming file, row and column of what is wrong.
    """
    numbers = _numbers(table, column, file)
    wrong = np.flatnonzero(~(numbers == np.floor(numbers)))
    if len(wrong):
        received = table[column].iloc[wrong[0]]
        raise UserError(f"{_place(file, wrong[0], column)}: a whole number belongs, not {received}")
    return numbers.astype(np.int64)


def read_columns(content: bytes, file: str, columns: list[str]) -> pd.DataFrame:
    """Reads a CSV table that must have these columns; others are left out.

    Raises:
        UserError: if it is no CSV, is empty or lacks a column.
    """
    return _read(content, file, columns)


def _read(content, file, columns):
    try:
        table = pd.read_csv(io.BytesIO(content), low_memory=False, index_col=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is no CSV table: {error}") from error
    missing = [column for column in columns if column not in table.columns]
    if missing:
        shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise UserError(f"{file} lacks {len(missing)} of {len(columns)} columns: {shown}")
    if table.empty:
        raise UserError(f"{file} has a header but no rows")
    return table[columns]


def _coordinates(table, column, file):
    """Numbers within a picture's size of the picture: further out is a typing mistake."""
    numbers = _numbers(table, column, file)
    size = keypoint_schema.IMAGE_SIZE
    wrong = np.flatnonzero((numbers < -size) | (numbers > 2 * size))
    if len(wrong):
        raise UserError(
            f"{_place(file, wrong[0], column)}: {numbers[wrong[0]]:g} is far outside the picture, "
            f"whose pixels count from 0 to {size - 1}"
        )
    return numbers


def _numbers(table, column, file):
    if pd.api.types.is_bool_dtype(table[column]):
        raise UserError(f"{_place(file, 0, column)}: a number belongs, not {table[column].iloc[0]}")
    numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.flatnonzero((np.isnan(numbers) & table[column].notna()) | np.isinf(numbers))
    if len(wrong):
        received = table[column].iloc[wrong[0]]
        raise UserError(
            f"{_place(file, wrong[0], column)}: a number or nothing belongs, not "
            f"{str(received)[:40]!r}"
        )
    return numbers


def _images(table, file):
    size = keypoint_schema.IMAGE_SIZE
    images = np.empty((len(table), _NUM_PIXELS), np.uint8)
    with warnings.catch_warnings():
        # NumPy before 2.3 only warns of text among the numbers; later versions raise.
        warnings.simplefilter("error", DeprecationWarning)
        for row, text in enumerate(table["Image"]):
            # As int32, for uint8 would take 300 for 44. A text of one number only, or an empty
            # field, comes from pandas as a number.
            if pd.isna(text):
                raise UserError(f"{_place(file, row, 'Image')}: nothing where {_PIXEL_FORM}")
            try:
                pixels = np.fromstring(str(text), sep=" ", dtype=np.int32)
            except (ValueError, DeprecationWarning) as error:
                place = _place(file, row, "Image")
                raise UserError(f"{place}: text among the numbers where {_PIXEL_FORM}") from error
            if len(pixels) != _NUM_PIXELS:
                place = _place(file, row, "Image")
                raise UserError(f"{place}: {len(pixels):,} values where {_PIXEL_FORM}")
            if pixels.min() < 0 or pixels.max() > 255:
                wrong = pixels[(pixels < 0) | (pixels > 255)][0]
                raise UserError(f"{_place(file, row, 'Image')}: {wrong} where {_PIXEL_FORM}")
            images[row] = pixels
    return images.reshape(-1, size, size, 1)


def _place(file, row, column):
    return f"{file}, row {row + 1} (line {row + 2}), column {column}"
