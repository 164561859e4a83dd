"""How many labels each keypoint has, as the tutorial prints at its start, and which look wrong."""

import numpy as np
import rich.console
import rich.table
import rich.text

import keypoint_schema
from data_pipeline.face_data import FaceData

_SHOWN = 5  # rows named for each kind of mistake


def label_counts(data: FaceData) -> dict[str, int]:
    """Rows that carry both coordinates of a keypoint, by its name."""
    counts = np.zeros(len(data.names), np.int64)
    for piece in data.pieces():
        counts += (~np.isnan(piece.keypoints).any(axis=2)).sum(axis=0)
    return dict(zip(data.names, counts.tolist(), strict=True))


def outside_picture(data: FaceData) -> np.ndarray:
    """Rows with a label beyond the edge of the picture; positions from 0, ascending."""
    # px from the middle of the picture to the outer border of its last pixels
    edge = keypoint_schema.IMAGE_SIZE / 2

    def is_outside(keypoints):
        return (np.abs(keypoints - keypoint_schema.IMAGE_CENTER) > edge).any(axis=(1, 2))

    return np.flatnonzero(data.of_each_row(is_outside))


def swapped_sides(data: FaceData) -> np.ndarray:
    """Rows in which a left keypoint is left of its right mirror; positions from 0, ascending.

    Left is the person's own, and so on the right-hand side of the picture.
    """
    mirrors = [(name, keypoint_schema.MIRRORS[name]) for name in data.names if "left" in name]
    pairs = [each for each in mirrors if each[1] in data.names]
    left, right = ([data.names.index(pair[side]) for pair in pairs] for side in (0, 1))

    def is_swapped(keypoints):
        return (keypoints[:, left, 0] < keypoints[:, right, 0]).any(axis=1)

    return np.flatnonzero(data.of_each_row(is_swapped))


def summary_table(data: FaceData) -> rich.console.Group:
    """The label counts as a table for `rich.print`, with the number of complete rows.

    Below it, the rows whose labels look wrong are counted, and the first of them named.
    """
    complete = np.count_nonzero(data.is_complete)
    table = rich.table.Table(box=None, pad_edge=False)
    table.add_column("keypoint")
    table.add_column("labels", justify="right")
    table.add_column("of rows", justify="right")
    for name, count in label_counts(data).items():
        table.add_row(name, f"{count:,}", f"{count / max(len(data), 1):.0%}")
    title = f"{data.description}: {len(data):,} faces, {complete:,} with all labels"
    return rich.console.Group(title, table, *_doubts(data))


def _doubts(data):
    for rows, what in (
        (outside_picture(data), "labels outside the picture"),
        (swapped_sides(data), "left and right swapped"),
    ):
        if len(rows):
            named = ", ".join(f"{row + 1:,}" for row in rows[:_SHOWN])
            more = f" and {len(rows) - _SHOWN:,} more" if len(rows) > _SHOWN else ""
            where = f"row{'s' * (len(rows) > 1)} {named}{more}"
            yield rich.text.Text(f"Please check: {what} in {where}", style="yellow")
