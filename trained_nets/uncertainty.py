"""A trained net that also tells how uncertain it is."""

import dataclasses
from collections.abc import Callable

import numpy as np

import keypoint_schema
import models
from errors import UserError
from trained_nets.trained_net import TrainedNet, flip_averaged, for_flips


@dataclasses.dataclass(frozen=True)
class UncertainNet:
    """What finds keypoints in faces, and tells how uncertain it is of each.

    Attributes:
        names: the K keypoints that it predicts.
        predict: uint8 `(N, 96, 96, 1)` to float32 `(N, K, 3)` px: x, y, and the uncertainty, as
            `models.with_uncertainty` has it.
    """

    names: tuple[str, ...]
    predict: Callable[[np.ndarray], np.ndarray]


def to_answer(
    net: TrainedNet, flip_average: bool | str, uncertainty: bool
) -> TrainedNet | UncertainNet:
    """Returns the net that answers as asked: averaged over mirror images, with uncertainty.

    Args:
        net: the net as it is.
        flip_average: as `flip_averaged` takes it. The uncertainty is then that of the places that
            the net holds possible for either image.
        uncertainty: whether it is wanted.

    Raises:
        UserError: if the net cannot tell its uncertainty, or as `flip_averaged`.
    """
    if not uncertainty:
        return flip_averaged(net, flip_average)
    model = _uncertain(net)
    if not flip_average:
        return UncertainNet(net.names, lambda images: _predict(model, images))
    mirror = for_flips(net, flip_average).mirror()

    def predict(images):
        straight = _predict(model, images)
        mirrored = _predict(model, np.ascontiguousarray(images[:, :, ::-1]))
        points = straight[..., :2], mirror.in_pixels(mirrored[..., :2])
        variances = (straight[..., 2] ** 2 + mirrored[:, mirror.permutation, 2] ** 2) / 2
        apart = np.square(points[0] - points[1]).sum(-1) / 4
        uncertainties = np.sqrt(variances + apart)
        return np.concatenate([sum(points) / 2, uncertainties[..., np.newaxis]], axis=-1)

    return UncertainNet(net.names, predict)


def _uncertain(net):
    recipe = (net.config or {}).get("recipe") or {}
    if net.model is not None and recipe.get("heatmap_loss"):
        try:
            return models.with_uncertainty(net.model)
        except ValueError:  # an average of several
            pass
    raise UserError(
        f"{net.origin} cannot tell how uncertain it is. A single heatmap net that was trained with "
        "heatmap_loss can: its run folder or a preset."
    )


def _predict(model, images):
    answers = models.predict_normalized(model, images)
    uncertainties = answers[..., 2:] * keypoint_schema.PIXELS_PER_UNIT
    return np.concatenate([keypoint_schema.to_pixels(answers[..., :2]), uncertainties], axis=-1)
