"""One record for a trained net and what is known about it, whatever it was loaded from."""

import dataclasses
import functools
import hashlib
import os
import pathlib
from collections.abc import Callable, Sequence

import keras
import numpy as np

import keypoint_schema
import labelling
import models
from command_line import SYMMETRIC
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
        labellers: those it learned from; see `labelling`.
        labels_of: the one whose labels it predicts.
        whole: for a single net, the model that predicts the keypoints of all labellers.
        open_as: loads it again, to predict the labels of another labeller.
        saved_model: the folder of an exported model; None for others.
    """

    origin: str
    names: tuple[str, ...]
    predict: Callable[[np.ndarray], np.ndarray]
    config: dict | None = None
    model: keras.Model | None = None
    mirror_offset_px: dict | None = None
    labellers: tuple[str, ...] = labelling.UNNAMED
    labels_of: str = labelling.UNNAMED[0]
    whole: keras.Model | None = None
    open_as: Callable[[str], "TrainedNet"] | None = None
    saved_model: pathlib.Path | None = None

    def as_labeller(self, name: str) -> "TrainedNet":
        """Returns the net that predicts where this labeller puts the keypoints.

        Raises:
            UserError: if it has not learned from that labeller.
        """
        if name == self.labels_of:
            return self
        if name not in self.labellers or self.open_as is None:
            raise UserError(
                f"{self.origin} cannot answer as {name} labels. It can as "
                f"{' or '.join(self.labellers if self.open_as else [self.labels_of])}."
            )
        return self.open_as(name)

    def predict_all(self, images) -> np.ndarray:
        """Predicts in the schema's order.

        Args:
            images: as `models.predict_normalized` takes them.

        Returns:
            float32 `(N, 15, 2)` px, NaN for keypoints that the net lacks.
        """
        everything = np.full((len(images), keypoint_schema.NUM_KEYPOINTS, 2), np.nan, np.float32)
        predicted = models.in_pieces(self.predict, images)
        everything[:, keypoint_schema.indices(self.names)] = predicted
        return everything

    @functools.cached_property
    def weights_digest(self) -> str:
        """The SHA-256 of the Keras model's weights, or the exported model's files, as hex."""
        digest = hashlib.sha256()
        if self.saved_model:
            for file in sorted(each for each in self.saved_model.rglob("*") if each.is_file()):
                digest.update(file.read_bytes())
            return digest.hexdigest()
        for weight in self.model.get_weights():
            digest.update(f"{weight.dtype} {weight.shape}".encode())
            digest.update(np.ascontiguousarray(weight))
        return digest.hexdigest()

    def mirror(self) -> keypoint_schema.Mirror:
        """Returns the mirror of its keypoints, with the offset of its labels.

        Raises:
            UserError: if it predicts a keypoint without its mirror, or the offset is not known.
        """
        results = (self.config or {}).get("results") or {}
        offsets = self.mirror_offset_px
        is_partial = offsets is not None and any(name not in offsets for name in self.names)
        if is_partial and results.get("finished") is False:
            raise UserError(
                f"--flip-average is not possible for {self.origin}. Its training was interrupted "
                "before the mirror offset of its labels was measured. train.py --resume goes on; "
                "--symmetric-flip-average needs no offset."
            )
        try:
            return keypoint_schema.Mirror.of(self.names, self.mirror_offset_px)
        except ValueError as error:
            reason = f"--flip-average is not possible for {self.origin}. {error}"
            raise UserError(reason) from error


def from_model(
    origin: str | os.PathLike,
    model: keras.Model,
    names: Sequence[str],
    config: dict,
    labels_of: str | None = None,
    **others,
) -> TrainedNet:
    """Wraps a Keras model as a trained net.

    Args:
        origin: its name in messages.
        model: from images to normalized keypoints `(batch, K, 2)`.
        names: of the K keypoints.
        config: the run's configuration, with its results if there are any yet.
        labels_of: whose labels the model predicts; by default, the first labeller's.
        others: further attributes of the net.
    """
    labels_of = labels_of or labellers_of(config)[0]
    offsets = (config.get("results") or {}).get("mirror_offset_px") or {}
    return TrainedNet(
        origin=os.fspath(origin),
        names=tuple(names),
        predict=lambda images: models.predict_pixels(model, images),
        config=config,
        model=model,
        # Runs with one labeller used to record only that one's offsets.
        mirror_offset_px=offsets.get(labels_of, offsets),
        labellers=labellers_of(config),
        labels_of=labels_of,
        **others,
    )


def labellers_of(config: dict) -> tuple[str, ...]:
    """Returns the labellers that a run learned from."""
    return tuple(config.get("labellers") or labelling.UNNAMED)


def as_one_labeller(
    whole: keras.Model, labellers: Sequence[str], labels_of: str, names: Sequence[str]
) -> keras.Model:
    """Returns the net that predicts as one of a net's labellers puts the K keypoints.

    Args:
        whole: predicts the keypoints of all labellers.
        labellers: all of them.
        labels_of: one of them.
        names: of the K keypoints.
    """
    if len(labellers) == 1:
        return whole
    return models.with_outputs(whole, labelling.positions(labellers, labels_of, names))


def for_flips(net: TrainedNet, flip_average: bool | str) -> TrainedNet:
    """Returns the net with the mirror that this kind of flip average needs.

    Args:
        net: the net.
        flip_average: `SYMMETRIC` leaves out the mirror offset that training measured. True and
            False keep it.
    """
    if flip_average == SYMMETRIC:
        return dataclasses.replace(net, mirror_offset_px=None)
    return net


def flip_averaged(net: TrainedNet, flip_average: bool | str = True) -> TrainedNet:
    """Returns the net, averaging its predictions for each face and its mirror image.

    Args:
        net: the net.
        flip_average: True; `SYMMETRIC`, for mirror-symmetric answers; False for the net as it is.

    Raises:
        UserError: if it predicts a keypoint without its mirror.
    """
    if not flip_average:
        return net
    net = for_flips(net, flip_average)
    mirror = net.mirror()

    def predict(images):
        mirrored = net.predict(np.ascontiguousarray(images[:, :, ::-1]))
        return (net.predict(images) + mirror.in_pixels(mirrored)) / 2

    return dataclasses.replace(net, predict=predict)
