"""How many labels each keypoint has, as the tutorial prints at its start."""

import numpy as np
import rich.console
import rich.table

from data_pipeline.face_data import FaceData


def label_counts(data: FaceData) -> dict[str, int]:
    """Rows that carry both coordinates of a keypoint, by its name."""
    labelled = ~np.isnan(data.keypoints).any(axis=2)
    return dict(zip(data.names, labelled.sum(axis=0).tolist(), strict=True))


def summary_table(data: FaceData) -> rich.console.Group:
    """The label counts as a table for `rich.print`, with the number of complete rows."""
    complete = len(data.select(data.names))
    table = rich.table.Table(box=None, pad_edge=False)
    table.add_column("keypoint")
    table.add_column("labels", justify="right")
    table.add_column("of rows", justify="right")
    for name, count in label_counts(data).items():
        table.add_row(name, f"{count:,}", f"{count / max(len(data), 1):.0%}")
    title = f"{data.description}: {len(data):,} faces, {complete:,} with all labels"
    return rich.console.Group(title, table)
