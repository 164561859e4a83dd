"""Two nets side by side on the faces where they differ most."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.figures import style

_FACES = 6


@style.styled
def disagreement(
    images: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    names: tuple[str, str],
    actual: np.ndarray,
) -> Figure:
    """Draws the faces where the nets' keypoints lie farthest apart.

    Args:
        images: `(N, 96, 96, 1)`, 0–255, an array or `StoredRows`.
        first: `(N, K, 2)` px.
        second: `(N, K, 2)` px.
        names: the two nets'.
        actual: labels `(N, K, 2)` px, drawn as crosses; NaN where unlabelled.
    """
    rows = most_different(first, second)[:_FACES]
    title = f"Where {names[0]} and {names[1]} differ most"
    figure, axes = style.face_grid(2, len(rows), title, captions=True)
    for column, row in enumerate(rows):
        for axis, points, name in zip(axes[:, column], (first, second), names, strict=True):
            caption = f"{name}: {_rmse(points[row], actual[row]):.1f} px"
            style.draw_face(axis, style.face(images, row), caption)
            style.draw_points(axis, actual[row], style.ACTUAL, "x", 14)
            style.draw_points(axis, points[row], style.PREDICTED)
    entries = {"predicted": (style.PREDICTED, "o"), "labelled": (style.ACTUAL, "x")}
    style.point_legend(figure, entries)
    return figure


def most_different(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rows by falling mean distance between two nets' keypoints; NaN keypoints do not count."""
    distances = np.linalg.norm(first - second, axis=2)
    known = np.isfinite(distances)
    means = np.where(known, distances, 0).sum(1) / np.maximum(known.sum(1), 1)
    return np.argsort(-means, kind="stable")


def _rmse(points, labels):
    return float(np.sqrt(np.nanmean(np.square(points - labels))))
