"""The net that predicts as one labeller puts the keypoints, cut out of one that learned several."""

from collections.abc import Sequence

import keras
import numpy as np

from models.warm_starts import OUTPUT_LAYER


def with_outputs(net: keras.Model, positions: Sequence[int]) -> keras.Model:
    """Builds the net that predicts some of a net's keypoints.

    Args:
        net: from images to normalized keypoints `(batch, M, 2)`, a net of the zoo.
        positions: which of the M keypoints, in the order wanted.

    Returns:
        A net of the same name, from images to `(batch, len(positions), 2)`. It shares the layers
        before the output with the given net.
    """
    positions = np.asarray(positions)
    num_keypoints = net.output.shape[1]
    output = net.get_layer(OUTPUT_LAYER)
    keypoints = output.input
    for layer in net.layers[net.layers.index(output) :]:
        config = layer.get_config()
        for size in ("units", "filters"):
            if layer is output and size in config:
                config[size] = config[size] // num_keypoints * len(positions)
        if isinstance(layer, keras.layers.Reshape):
            config["target_shape"] = (len(positions), 2)
        own = type(layer).from_config(config)
        keypoints = own(keypoints)
        if layer is output:
            own.set_weights(
                [_take(weights, positions, num_keypoints) for weights in layer.get_weights()]
            )
    return keras.Model(net.input, keypoints, name=net.name)


def _take(weights, positions, num_keypoints):
    """Takes the outputs of these keypoints; the last axis has them in order, x and y together."""
    grouped = weights.reshape(*weights.shape[:-1], num_keypoints, -1)
    return grouped[..., positions, :].reshape(*weights.shape[:-1], -1)
