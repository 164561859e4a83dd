"""A trained net that also tells how sure it is."""

import dataclasses

import numpy as np

import keypoint_schema
import models
from errors import UserError
from trained_nets.trained_net import TrainedNet


def with_uncertainty(net: TrainedNet) -> TrainedNet:
    """Returns the net, whose `predict` also tells by how much it expects to be wrong.

    Args:
        net: a single heatmap net, not yet averaged over mirror images.

    Returns:
        It predicts `(N, K, 3)` px: x, y, and the root mean square error that it expects.

    Raises:
        UserError: if it has no heatmaps, or they were not trained to be like Gaussians.
    """
    recipe = (net.config or {}).get("recipe") or {}
    if net.model is None or not recipe.get("heatmap_loss"):
        raise _unable(net)
    try:
        model = models.with_uncertainty(net.model)
    except ValueError as error:
        raise _unable(net) from error

    def predict(images):
        answers = models.predict_normalized(model, images)
        points, expected = answers[..., :2], answers[..., 2:]
        expected = expected * keypoint_schema.PIXELS_PER_UNIT
        return np.concatenate([keypoint_schema.to_pixels(points), expected], axis=-1)

    return dataclasses.replace(net, predict=predict)


def _unable(net):
    return UserError(
        f"{net.origin} cannot tell how sure it is. A single heatmap net, trained with "
        "heatmap_loss, can: its run folder or a preset."
    )
