"""The net that predicts as one labeller puts the keypoints, cut out of one that learned several."""

from collections.abc import Sequence

import keras
import numpy as np

from models.warm_starts import OUTPUT_LAYER


def with_outputs(net: keras.Model, positions: Sequence[int]) -> keras.Model:
    """Builds the net that predicts some of a net's keypoints, with the same weights.

    Args:
        net: from images to normalized keypoints `(batch, M, 2)`, a net of the zoo.
        positions: which of the M keypoints, in the order wanted.

    Returns:
        A net of the same layers and the same name, from images to `(batch, len(positions), 2)`.
    """
    positions = np.asarray(positions)
    num_keypoints = net.output.shape[1]

    def clone(layer):
        config = layer.get_config()
        for size in ("units", "filters"):
            if layer.name == OUTPUT_LAYER and size in config:
                config[size] = config[size] // num_keypoints * len(positions)
        if isinstance(layer, keras.layers.Reshape) and layer is net.layers[-1]:
            config["target_shape"] = (len(positions), 2)
        return type(layer).from_config(config)

    part = keras.models.clone_model(net, clone_function=clone)
    for own, donor in zip(part.layers, net.layers, strict=True):
        weights = donor.get_weights()
        if donor.name == OUTPUT_LAYER:
            weights = [_take(each, positions, num_keypoints) for each in weights]
        own.set_weights(weights)
    return part


def _take(weights, positions, num_keypoints):
    """Takes the outputs of these keypoints; the last axis has them in order, x and y together."""
    grouped = weights.reshape(*weights.shape[:-1], num_keypoints, -1)
    return grouped[..., positions, :].reshape(*weights.shape[:-1], -1)
