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
    labelled = ~np.isnan(data.keypoints).any(axis=2)
    return dict(zip(data.names, labelled.sum(axis=0).tolist(), strict=True))


def outside_picture(data: FaceData) -> np.ndarray:
    """Rows with a label beyond the edge of the picture; positions from 0, ascending."""
    # px from the middle of the picture to the outer border of its last pixels
    edge = keypoint_schema.IMAGE_SIZE / 2
    distances = np.abs(data.keypoints - keypoint_schema.IMAGE_CENTER)
    return np.flatnonzero((distances > edge).any(axis=(1, 2)))


def swapped_sides(data: FaceData) -> np.ndarray:
    """Rows in which a left keypoint is left of its right mirror; positions from 0, ascending.

    Left is the person's own, and so on the right-hand side of the picture.
    """
    is_swapped = np.zeros(len(data), bool)
    for left, name in enumerate(data.names):
        mirror = keypoint_schema.MIRRORS[name]
        if "left" in name and mirror in data.names:
            x_right = data.keypoints[:, data.names.index(mirror), 0]
            is_swapped |= data.keypoints[:, left, 0] < x_right
    return np.flatnonzero(is_swapped)


def summary_table(data: FaceData) -> rich.console.Group:
    """The label counts as a table for `rich.print`, with the number of complete rows.

    Below it, the rows whose labels look wrong are counted, and the first of them named.
    """
    complete = len(data.select(data.names))
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
