"""What the first layer looks for."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.figures import style
from evaluation.first_layers import as_pictures


@style.styled
def filters(weights: np.ndarray, name: str) -> Figure:
    """Draws a net's first weights: convolution filters, or hidden units as whole pictures.

    Positive weights are light, negative ones dark, 0 is gray in every cell.

    Args:
        weights: as `first_layers.as_pictures` takes them.
        name: the net's and the layer's, for the title.
    """
    pictures = as_pictures(weights)
    columns = 8 if weights.ndim == 4 else 4
    rows = -(-len(pictures) // columns)
    figure, axes = style.face_grid(rows, columns, name, cell=0.9 if weights.ndim == 4 else 1.7)
    for axis, picture in zip(axes.flat, pictures, strict=False):
        extent = np.abs(picture).max() or 1.0
        axis.imshow(picture, vmin=-extent, vmax=extent, interpolation="none")
    return figure
