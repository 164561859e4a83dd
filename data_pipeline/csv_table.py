"""Reads and checks Kaggle's tables: pandas splits the columns, NumPy parses the pixels."""

import io
import warnings

import numpy as np
import pandas as pd

import keypoint_schema
from data_pipeline.pixel_strings import parse_pixels
from errors import UserError

_MOST = 2**53  # whole numbers below are exact as float64


def parse_training(content: bytes, file: str) -> tuple[np.ndarray, np.ndarray]:
    """Parses `training.csv`.

    Args:
        content: the CSV's bytes.
        file: what errors call it.

    Returns:
        Images uint8 `(N, 96, 96, 1)`, and keypoints float32 `(N, 15, 2)` in px, NaN where missing:
        x and y together, also if only one of them is.

    Raises:
        UserError: naming file, row and column of what is wrong.
    """
    columns = keypoint_schema.column_names()
    table = read_columns(content, file, [*columns, "Image"])
    keypoints = np.stack([_coordinates(table, column, file) for column in columns], axis=1)
    keypoints = keypoints.astype(np.float32).reshape(len(table), keypoint_schema.NUM_KEYPOINTS, 2)
    # A keypoint with half a place has none, so that a loss, which masks by keypoint, and an RMSE,
    # which counts coordinates, are over the same labels.
    keypoints[np.isnan(keypoints).any(axis=-1)] = np.nan
    return _images(table, file), keypoints


def parse_test(content: bytes, file: str) -> tuple[np.ndarray, np.ndarray]:
    """Parses `test.csv`: images uint8 `(N, 96, 96, 1)` and their `ImageId`s, int64 `(N,)`.

    Raises:
        UserError: naming file, row and column of what is wrong.
    """
    table = read_columns(content, file, ["ImageId", "Image"])
    image_ids = parse_integers(table, "ImageId", file)
    require_different(table, "ImageId", image_ids, file)
    return _images(table, file), image_ids


def parse_integers(table: pd.DataFrame, column: str, file: str) -> np.ndarray:
    """A column of whole numbers as int64 `(N,)`.

    Raises:
        UserError: naming file, row and column of what is wrong.
    """
    numbers = _numbers(table, column, file)
    wrong = np.flatnonzero(~((numbers == np.floor(numbers)) & (np.abs(numbers) < _MOST)))
    if len(wrong):
        received = str(table[column].iloc[wrong[0]])[:40]
        place = _place(table, file, wrong[0], column)
        raise UserError(f"{place}: a whole number belongs, not {received}")
    return numbers.astype(np.int64)


def require_different(table: pd.DataFrame, column: str, numbers: np.ndarray, file: str) -> None:
    """Checks that no number of a column occurs twice.

    Raises:
        UserError: naming file, row and column of the first that does.
    """
    again = np.flatnonzero(pd.Series(numbers).duplicated())
    if len(again):
        place = _place(table, file, again[0], column)
        raise UserError(f"{place}: {numbers[again[0]]} has occurred before, and must be the only")


def read_columns(content: bytes, file: str, columns: list[str]) -> pd.DataFrame:
    """Reads a CSV table that must have these columns; others are left out.

    Returns:
        The columns as text, NaN where a field is empty; the index is the rows' line numbers.

    Raises:
        UserError: if it is not a CSV table, is empty or lacks a column, or has one twice.
    """
    try:
        with warnings.catch_warnings():
            # A row with a field too many: its last fields are no images, or no numbers.
            warnings.simplefilter("ignore", pd.errors.ParserWarning)
            # As object: pandas' own strings take three times as long.
            table = pd.read_csv(
                io.BytesIO(content), low_memory=False, index_col=False, dtype=object
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is not a CSV table: {error}") from error
    missing = [column for column in columns if column not in table.columns]
    if missing:
        shown = ", ".join(missing[:3]) + (", …" if len(missing) > 3 else "")
        raise UserError(f"{file} lacks {len(missing)} of {len(columns)} columns: {shown}")
    twice = [column for column in columns if f"{column}.1" in table.columns]  # pandas' name for it
    if twice:
        raise UserError(f"{file} has the column {twice[0]} twice")
    if table.empty:
        raise UserError(f"{file} has a header but no rows")
    return table[columns].set_axis(_line_numbers(content, len(table)))


def _line_numbers(content, num_rows):
    """Counts the header and blank lines too, which pandas leaves out."""
    lines = [number for number, line in enumerate(io.BytesIO(content), start=1) if line.strip()]
    # Quoted fields may go on for several lines; then the numbers would be wrong.
    return lines[1:] if len(lines) == num_rows + 1 else range(2, num_rows + 2)


def _coordinates(table, column, file):
    """Numbers within a picture's size of the picture: further out is a typing mistake."""
    numbers = _numbers(table, column, file)
    size = keypoint_schema.IMAGE_SIZE
    wrong = np.flatnonzero((numbers < -size) | (numbers > 2 * size))
    if len(wrong):
        raise UserError(
            f"{_place(table, file, wrong[0], column)}: {numbers[wrong[0]]:g} is far outside the "
            f"picture, whose pixels count from 0 to {size - 1}"
        )
    return numbers


def _numbers(table, column, file):
    numbers = pd.to_numeric(table[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    wrong = np.flatnonzero((np.isnan(numbers) & table[column].notna()) | np.isinf(numbers))
    if len(wrong):
        received = table[column].iloc[wrong[0]]
        raise UserError(
            f"{_place(table, file, wrong[0], column)}: a number or nothing belongs, not "
            f"{str(received)[:40]!r}"
        )
    return numbers


def _images(table, file):
    return parse_pixels(table["Image"].fillna(""), lambda row: _place(table, file, row, "Image"))


def _place(table, file, row, column):
    return f"{file}, row {row + 1} (line {table.index[row]}), column {column}"
