"""A Kaggle submission: the locations that the lookup table asks for, in its order."""

import numpy as np
import pandas as pd

import keypoint_schema
from errors import UserError
from evaluation import partial_offset

LOOKUP_COLUMNS = ("RowId", "ImageId", "FeatureName")
# Pixel 0 has its centre at 0, so the centres of the outermost pixels are the ends.
_LOWEST, _HIGHEST = 0.0, keypoint_schema.IMAGE_SIZE - 1.0


def submission(
    lookup: pd.DataFrame,
    image_ids: np.ndarray,
    predicted: np.ndarray,
    names,
    partial_offset_px: dict | None = None,
) -> pd.DataFrame:
    """Answers a lookup table.

    Args:
        lookup: with the columns `RowId`, `ImageId`, `FeatureName`; any others are ignored.
        image_ids: `(N,)`, the test faces' ids.
        predicted: `(N, K, 2)` px.
        names: the K keypoints'.
        partial_offset_px: a net's, as `evaluation.partial_offset` explains. It is added for faces
            of which the table asks for none but the four-point labeller's keypoints.

    Returns:
        `RowId` and `Location`, one row for each of the lookup table's, in its order; locations in
        px, clipped to the image, [0, 95].

    Raises:
        UserError: if the table asks for an unknown face or keypoint, or one that the net lacks.
    """
    columns = {column: i for i, column in enumerate(keypoint_schema.column_names(names))}
    rows = {image_id: row for row, image_id in enumerate(image_ids.tolist())}
    column = lookup["FeatureName"].map(columns)
    row = lookup["ImageId"].map(rows)
    _check(lookup, "FeatureName", column, "a coordinate that the net predicts")
    _check(lookup, "ImageId", row, "a face in the test table")
    row, column = row.to_numpy(int), column.to_numpy(int)
    asked = np.zeros(predicted.shape[:2], bool)
    asked[row, column // 2] = True  # x and y
    is_four_point = keypoint_schema.is_four_point(asked, names)
    predicted = partial_offset.added(predicted, is_four_point, names, partial_offset_px)
    values = predicted.reshape(len(predicted), -1)[row, column]
    if not np.isfinite(values).all():
        raise ValueError("Predictions must be finite numbers.")
    locations = np.clip(values.astype(np.float64), _LOWEST, _HIGHEST)
    return pd.DataFrame({"RowId": lookup["RowId"].to_numpy(), "Location": locations})


def full_lookup(image_ids: np.ndarray) -> pd.DataFrame:
    """A lookup table that asks for every coordinate of every face."""
    columns = keypoint_schema.column_names()
    return pd.DataFrame(
        {
            "RowId": np.arange(1, len(image_ids) * len(columns) + 1),
            "ImageId": np.repeat(image_ids, len(columns)),
            "FeatureName": columns * len(image_ids),
        }
    )


def to_csv(table: pd.DataFrame) -> str:
    """The submission as text; four decimals are far below what a label is exact to."""
    return table.to_csv(index=False, float_format="%.4f", lineterminator="\n")


def _check(lookup, name, found, rule):
    missing = np.flatnonzero(found.isna())
    if len(missing):
        received = lookup[name].iloc[missing[0]]
        like_it = "1 row is" if len(missing) == 1 else f"{len(missing):,} rows are"
        raise UserError(
            f"IdLookupTable, row {missing[0] + 1} (RowId {lookup['RowId'].iloc[missing[0]]}): "
            f"{name} must be {rule}. Received: {received}. {like_it} so."
        )
