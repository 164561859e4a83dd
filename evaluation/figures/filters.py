"""What the first layer looks for."""

import numpy as np
from matplotlib.figure import Figure

import keypoint_schema
from evaluation.figures import style

_HIDDEN_SHOWN = 16


@style.styled
def filters(weights: np.ndarray, name: str) -> Figure:
    """Draws a net's first weights: convolution filters, or hidden units as whole pictures.

    Positive weights are light, negative ones dark, 0 is gray in every cell.

    Args:
        weights: a convolution's `(height, width, 1, filters)`, or a dense layer's
            `(9216, units)`, of which 16 units with the largest weights are drawn.
        name: the net's and the layer's, for the title.

    Raises:
        ValueError: for any other shape.
    """
    pictures = as_pictures(weights)
    columns = 8 if weights.ndim == 4 else 4
    rows = -(-len(pictures) // columns)
    figure, axes = style.face_grid(rows, columns, name, cell=0.9 if weights.ndim == 4 else 1.7)
    for axis, picture in zip(axes.flat, pictures, strict=False):
        extent = np.abs(picture).max() or 1.0
        axis.imshow(picture, vmin=-extent, vmax=extent, interpolation="none")
    return figure


def as_pictures(weights: np.ndarray) -> np.ndarray:
    """First-layer weights as `(count, height, width)`; arguments and errors as `filters`."""
    size = keypoint_schema.IMAGE_SIZE
    if weights.ndim == 4 and weights.shape[2] == 1:
        return weights[:, :, 0].transpose(2, 0, 1)
    if weights.ndim == 2 and weights.shape[0] == size * size:
        strongest = np.argsort(-np.square(weights).sum(0), kind="stable")[:_HIDDEN_SHOWN]
        return weights[:, np.sort(strongest)].T.reshape(-1, size, size)
    raise ValueError(
        "First-layer weights are (height, width, 1, filters) or "
        f"({size * size}, units). Received: {weights.shape}."
    )
