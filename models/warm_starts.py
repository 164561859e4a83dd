"""Warm start: initializes a net with another's weights, matching layers by name."""

import keras

from errors import UserError

OUTPUT_LAYER = "output"


def warm_start(model: keras.Model, donor: keras.Model, same_keypoints: bool = False) -> list[str]:
    """Copies the weights of every layer from a trained net; by default, not the output layer's.

    Args:
        model: the net to initialize, in place.
        donor: the trained net.
        same_keypoints: whether both predict the same keypoints in the same order, so that the
            output layer fits too.

    Returns:
        Names of the layers that keep their fresh weights.

    Raises:
        UserError: if the donor lacks a layer or has it in another size; then nothing is copied.
    """
    donors = {layer.name: layer for layer in donor.layers}
    copies, fresh = [], []
    for layer in model.layers:
        if not layer.weights:
            continue
        if layer.name == OUTPUT_LAYER and not same_keypoints:
            fresh.append(layer.name)
            continue
        giver = donors.get(layer.name)
        weights = giver.get_weights() if giver else []
        wanted = [tuple(weight.shape) for weight in layer.weights]
        offered = [weight.shape for weight in weights]
        if wanted != offered:
            has = f"has it as {offered}" if giver else "has no such layer"
            raise UserError(
                f"Warm start needs the same layers: {model.name} has {layer.name!r} as {wanted}, "
                f"{donor.name} {has}. Train from scratch, or start from a net of the same layout."
            )
        copies.append((layer, weights))
    for layer, weights in copies:
        layer.set_weights(weights)
    return fresh
