"""Finds the weights of a net that look at pixels, to be drawn by `figures.filters`."""

import numpy as np

from evaluation.figures.filters import as_pictures


def first_layers(model) -> dict[str, np.ndarray]:
    """The first weights of a Keras model, or of each of its sub-models.

    Args:
        model: a functional Keras model from 96×96 gray pictures.

    Returns:
        Weights by title, as `figures.filters` takes them; empty if they are of another shape.
    """
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
