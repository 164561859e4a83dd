"""One record for a trained net and what is known about it, whatever it was loaded from."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Callable, Sequence

import keras
import numpy as np

import keypoint_schema
import models
from errors import UserError


@dataclasses.dataclass(frozen=True)
class TrainedNet:
    """A trained net.

    Attributes:
        origin: what it was loaded from: a path, or `preset:<name>`.
        names: the K keypoints that it predicts.
        predict: uint8 or float32 `(N, 96, 96, 1)`, 0–255, to float32 `(N, K, 2)` px.
        config: a run's `config.json`, or a preset's, which has the rest of the card as `preset`;
            None for an exported model.
        model: the functional Keras model, from images to normalized keypoints; merged or averaged
            for a run of specialists or of folds. None for an exported model.
        mirror_offset_px: of its labels, by keypoint name; see `keypoint_schema.Mirror`.
        partial_offset_px: of its predictions; see `evaluation.labeller_offset`. None if it has
            none.
    """

    origin: str
    names: tuple[str, ...]
    predict: Callable[[np.ndarray], np.ndarray]
    config: dict | None = None
    model: keras.Model | None = None
    mirror_offset_px: dict | None = None
    partial_offset_px: dict | None = None

    def predict_all(self, images: np.ndarray) -> np.ndarray:
        """Predicts in the schema's order, `(N, 15, 2)` px, NaN for keypoints that it lacks."""
        everything = np.full((len(images), keypoint_schema.NUM_KEYPOINTS, 2), np.nan, np.float32)
        everything[:, keypoint_schema.indices(self.names)] = self.predict(images)
        return everything

    @functools.cached_property
    def weights_digest(self) -> str:
        """The SHA-256 of the Keras model's weights, as hex."""
        digest = hashlib.sha256()
        for weight in self.model.get_weights():
            digest.update(f"{weight.dtype} {weight.shape}".encode())
            digest.update(np.ascontiguousarray(weight))
        return digest.hexdigest()

    def mirror(self) -> keypoint_schema.Mirror:
        """Returns the mirror of its keypoints, with the offset of its labels.

        Raises:
            UserError: if it predicts a keypoint without its mirror.
        """
        try:
            return keypoint_schema.Mirror.of(self.names, self.mirror_offset_px)
        except ValueError as error:
            reason = f"--flip-average is not possible for {self.origin}. {error}"
            raise UserError(reason) from error


def from_model(
    origin: str | os.PathLike, model: keras.Model, names: Sequence[str], config: dict
) -> TrainedNet:
    """Wraps a Keras model as a trained net.

    Args:
        origin: its name in messages.
        model: from images to normalized keypoints `(batch, K, 2)`.
        names: of the K keypoints.
        config: the run's configuration, with its results if there are any yet.
    """
    results = config.get("results") or {}
    return TrainedNet(
        origin=os.fspath(origin),
        names=tuple(names),
        predict=lambda images: models.predict_pixels(model, images),
        config=config,
        model=model,
        mirror_offset_px=results.get("mirror_offset_px"),
        partial_offset_px=results.get("partial_offset_px"),
    )


def flip_averaged(net: TrainedNet) -> TrainedNet:
    """Returns the net, averaging its predictions for each face and its mirror image.

    Raises:
        UserError: if it predicts a keypoint without its mirror.
    """
    mirror = net.mirror()

    def predict(images):
        mirrored = net.predict(np.ascontiguousarray(images[:, :, ::-1]))
        back = keypoint_schema.to_pixels(mirror(keypoint_schema.to_normalized(mirrored)))
        return (net.predict(images) + back) / 2

    return dataclasses.replace(net, predict=predict)
