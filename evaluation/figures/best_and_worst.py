"""The faces that a net gets best and worst."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.figures import style

_COLUMNS = 6


@style.styled
def best_and_worst(
    images: np.ndarray, predicted: np.ndarray, actual: np.ndarray, nme: np.ndarray, name: str
) -> Figure:
    """Draws a row of the faces with the smallest error and two rows of those with the largest.

    Args:
        images: `(N, 96, 96, 1)`, 0–255, an array or `StoredRows`.
        predicted: `(N, K, 2)` px.
        actual: `(N, K, 2)` px, NaN where unlabelled.
        nme: `(N,)`, error of each face; NaN for faces that have none.
        name: the net's.
    """
    known = np.flatnonzero(np.isfinite(nme))
    order = known[np.argsort(nme[known], kind="stable")]
    worst = order[::-1][: 2 * _COLUMNS]
    title = f"{name}: best faces (first row) and worst"
    figure, axes = style.face_grid(3, _COLUMNS, title, captions=True)
    cells = [*zip(axes[0], order, strict=False), *zip(axes[1:].flat, worst, strict=False)]
    for axis, row in cells:
        style.draw_face(axis, style.face(images, row), f"NME {nme[row]:.1%}")
        style.draw_points(axis, actual[row], style.ACTUAL, "x", 14)
        style.draw_points(axis, predicted[row], style.PREDICTED)
    style.point_legend(
        figure, {"predicted": (style.PREDICTED, "o"), "labelled": (style.ACTUAL, "x")}
    )
    return figure
