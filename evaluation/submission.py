"""A Kaggle submission: the locations that the lookup table asks for, in its order."""

import dataclasses
import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

import atomic_write
import command_line
import keypoint_schema
import labelling
from errors import UserError

# Kaggle's labels reach 95.8.
_LOWEST, _HIGHEST = 0.0, float(keypoint_schema.IMAGE_SIZE)


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a net predicts for the test faces.

    Attributes:
        image_ids: `(N,)`, the faces' ids.
        keypoints: `(N, K, 2)` px.
        names: the K keypoints'.
        four_points: `(N, K, 2)` px, as the four-point labeller puts them; None if the net has not
            learned that.
    """

    image_ids: np.ndarray
    keypoints: np.ndarray
    names: Sequence[str]
    four_points: np.ndarray | None = None


def write_submission(file: str | os.PathLike, lookup: pd.DataFrame, predictions: Answers) -> None:
    """Writes a submission as CSV, and prints how many locations it has.

    Raises:
        UserError: as `submission`, or if the file cannot be written.
    """
    table = submission(lookup, predictions)
    # Four decimals are far below what a label is exact to.
    text = table.to_csv(index=False, float_format="%.4f", lineterminator="\n")
    atomic_write.write_text(file, text)
    locations = command_line.counted(len(table), "location")
    print(f"Wrote {file}: {locations}, clipped to [{_LOWEST:.0f}, {_HIGHEST:.0f}] px.")


def submission(lookup: pd.DataFrame, predictions: Answers) -> pd.DataFrame:
    """Answers a lookup table.

    Faces that the table asks only for the four-point labeller's keypoints are that one's.

    Args:
        lookup: with the columns `RowId`, `ImageId`, `FeatureName`; any others are ignored.
        predictions: for the test faces.

    Returns:
        `RowId` and `Location`, one row for each of the lookup table's, in its order; locations in
        px, clipped to [0, 96].

    Raises:
        UserError: if the table asks for an unknown face or keypoint, or one that the net lacks.
    """
    names, keypoints = predictions.names, predictions.keypoints
    columns = {column: i for i, column in enumerate(keypoint_schema.column_names(names))}
    rows = {image_id: row for row, image_id in enumerate(predictions.image_ids.tolist())}
    column = lookup["FeatureName"].map(columns)
    row = lookup["ImageId"].map(rows)
    _check(lookup, "FeatureName", column, "a coordinate that the net predicts")
    _check(lookup, "ImageId", row, "a face in the test table")
    row, column = row.to_numpy(int), column.to_numpy(int)
    if predictions.four_points is not None:
        asked = np.zeros(keypoints.shape[:2], bool)
        asked[row, column // 2] = True  # x and y
        is_four_point = labelling.is_four_point(asked, names)[:, None, None]
        keypoints = np.where(is_four_point, predictions.four_points, keypoints)
    values = keypoints.reshape(len(keypoints), -1)[row, column]
    if not np.isfinite(values).all():
        raise ValueError("Predictions must be finite numbers.")
    locations = np.clip(values.astype(np.float64), _LOWEST, _HIGHEST)
    return pd.DataFrame({"RowId": lookup["RowId"].to_numpy(), "Location": locations})


def _check(lookup, name, found, rule):
    missing = np.flatnonzero(found.isna())
    if len(missing):
        received = str(lookup[name].iloc[missing[0]])[:40]
        others = len(missing) - 1
        more = f", and {command_line.counted(others, 'more row')}" if others else ""
        raise UserError(
            f"IdLookupTable, row {missing[0] + 1} (RowId {lookup['RowId'].iloc[missing[0]]})"
            f"{more}: {name} must be {rule}. Received: {received}."
        )
