"""Finds the weights of a net that look at pixels, and turns them into pictures."""

import numpy as np

import keypoint_schema

_HIDDEN_SHOWN = 16


def first_layers(model) -> dict[str, np.ndarray]:
    """The first weights of a Keras model, or of each of its sub-models.

    Args:
        model: a functional Keras model from 96×96 gray pictures; None for an exported model, which
            shows none.

    Returns:
        Weights by title, as `as_pictures` takes them; empty if they are of another shape.
    """
    if model is None:
        return {}
    layers = [layer for layer in model.layers if layer.weights]
    branches = [layer for layer in layers if hasattr(layer, "layers")]
    if branches:
        found = {}
        for branch in branches:
            for title, weights in first_layers(branch).items():
                found[f"{branch.name}: {title.split(': ')[-1]}"] = weights
        return found
    if not layers:
        return {}
    weights = np.asarray(layers[0].weights[0], np.float32)
    try:
        as_pictures(weights)
    except ValueError:  # say, a convolution over a picture and its coordinates
        return {}
    return {f"{model.name}: {layers[0].name}": weights}


def as_pictures(weights: np.ndarray) -> np.ndarray:
    """First-layer weights as `(count, height, width)`.

    Args:
        weights: a convolution's `(height, width, 1, filters)`, or a dense layer's
            `(9216, units)`, of which the 16 units with the largest weights are taken.

    Raises:
        ValueError: for any other shape.
    """
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
