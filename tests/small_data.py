"""A small data set in the form of Kaggle's download, made of drawn faces."""

import functools
import pathlib

import numpy as np

import keypoint_schema
import labelling
from data_pipeline import synthetic_faces

NUM_TRAINING, NUM_TEST = 60, 8


@functools.cache
def faces(count=NUM_TRAINING, seed=5):
    """Images uint8 and keypoints px; of every three rows, the third has four keypoints only."""
    images, keypoints = synthetic_faces.draw_faces(count, seed)
    four = keypoint_schema.indices(labelling.FOUR_POINTS)
    keypoints[2::3, np.setdiff1d(np.arange(keypoint_schema.NUM_KEYPOINTS), four)] = np.nan
    return images, keypoints


def training_csv(images, keypoints) -> str:
    """The text of a `training.csv`."""
    lines = [",".join([*keypoint_schema.column_names(), "Image"])]
    for image, points in zip(images, keypoints, strict=True):
        numbers = ["" if np.isnan(value) else repr(float(value)) for value in points.ravel()]
        lines.append(",".join([*numbers, " ".join(map(str, image.ravel()))]))
    return "\n".join(lines) + "\n"


def write_download(folder: pathlib.Path):
    """Writes `training.csv`, `test.csv` and `IdLookupTable.csv`."""
    (folder / "training.csv").write_text(training_csv(*faces()))
    images, _ = faces(NUM_TEST, seed=6)
    rows = [f"{i},{' '.join(map(str, image.ravel()))}" for i, image in enumerate(images, start=1)]
    (folder / "test.csv").write_text("ImageId,Image\n" + "\n".join(rows) + "\n")
    asked = [
        (image_id, column)
        for image_id in range(1, NUM_TEST + 1)
        for column in keypoint_schema.column_names(
            keypoint_schema.NAMES if image_id % 2 else labelling.FOUR_POINTS
        )
    ]
    rows = [f"{row},{image},{column}," for row, (image, column) in enumerate(asked, start=1)]
    (folder / "IdLookupTable.csv").write_text(
        "RowId,ImageId,FeatureName,Location\n" + "\n".join(rows) + "\n"
    )
