"""Sixteen faces with the keypoints that a net sees in them."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.figures import style


@style.styled
def predictions(images: np.ndarray, predicted: np.ndarray, name: str) -> Figure:
    """Draws the first 16 faces, 4 × 4.

    Args:
        images: `(N, 96, 96, 1)`, 0–255.
        predicted: `(N, K, 2)` px.
        name: the net's.
    """
    figure, axes = style.face_grid(4, 4, f"Predictions of {name}")
    for axis, image, points in zip(axes.flat, images, predicted, strict=False):
        style.draw_face(axis, image)
        style.draw_points(axis, points, style.PREDICTED)
    return figure
