"""The net that also tells how uncertain it is of each keypoint."""

import keras

from models.heatmap_layers import SoftArgmax, SoftArgmaxWithUncertainty


def with_uncertainty(net: keras.Model) -> keras.Model:
    """Builds the net that also tells how uncertain it is.

    Args:
        net: from images to normalized keypoints `(batch, K, 2)`, by heatmaps that were trained with
            `heatmap_loss`.

    Returns:
        A net with the same weights, from images to `(batch, K, 3)`, as
        `SoftArgmaxWithUncertainty`.

    Raises:
        ValueError: if the net has no heatmaps.
    """
    last = net.layers[-1]
    if not isinstance(last, SoftArgmax):
        raise ValueError(f"{net.name} has no heatmaps.")
    return keras.Model(net.input, SoftArgmaxWithUncertainty()(last.input), name=net.name)
