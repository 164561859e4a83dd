"""Kaggle's table of the coordinates that a submission answers."""

import pathlib
import typing

import numpy as np

import keypoint_schema
from data_pipeline import kaggle_files

if typing.TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("RowId", "ImageId", "FeatureName")


def load_lookup(data: str | pathlib.Path | None, image_ids: np.ndarray) -> "pd.DataFrame":
    """Loads `IdLookupTable`; the drawn test faces have none, and are asked for every coordinate.

    Args:
        data: what `load_test` takes.
        image_ids: `(N,)`, the test faces' ids.

    Returns:
        The columns `RowId`, `ImageId` and `FeatureName`.

    Raises:
        UserError: if the table is missing or malformed.
    """
    import pandas as pd  # takes half a second, which training and prediction save

    from data_pipeline import csv_table

    if data is not None:
        file = kaggle_files.find_table(data, "IdLookupTable")
        table = csv_table.read_columns(file.read(), str(file), list(_COLUMNS))
        numbers = {
            name: csv_table.parse_integers(table, name, str(file)) for name in ("RowId", "ImageId")
        }
        csv_table.require_different(table, "RowId", numbers["RowId"], str(file))
        return table.assign(**numbers).reset_index(drop=True)
    features = keypoint_schema.column_names()
    rows = np.arange(1, len(image_ids) * len(features) + 1)
    asked = rows, np.repeat(image_ids, len(features)), features * len(image_ids)
    return pd.DataFrame(dict(zip(_COLUMNS, asked, strict=True)))
