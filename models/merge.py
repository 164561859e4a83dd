"""Combines several models into one: the specialists, or an ensemble."""

from collections.abc import Mapping

import keras
import numpy as np
from keras import ops

import keypoint_schema


def merge_specialists(nets: Mapping[str, keras.Model]) -> keras.Model:
    """Builds one functional model from one net per specialist.

    Args:
        nets: by specialist name, one net for each of `keypoint_schema.SPECIALISTS`. Each becomes a
            sub-model and must be named after its specialist.

    Returns:
        A model from images `(batch, 96, 96, 1)` to normalized keypoints `(batch, 15, 2)`, in the
        schema's order, sharing the nets' weights.

    Raises:
        ValueError: if nets and specialists do not match.
    """
    expected = [specialist.name for specialist in keypoint_schema.SPECIALISTS]
    received = {specialist: net.name for specialist, net in nets.items()}
    if received != {specialist: specialist for specialist in expected}:
        raise ValueError(
            f"Merging needs one net, named after its specialist, for each of {expected}. "
            f"Received: {received}."
        )
    images = keras.Input(keypoint_schema.IMAGE_SHAPE, name="images")
    parts = [nets[specialist](images) for specialist in expected]
    joined = keras.layers.Concatenate(axis=1, dtype="float32", name="all_keypoints")(parts)
    order = [
        keypoint for specialist in keypoint_schema.SPECIALISTS for keypoint in specialist.keypoints
    ]
    return keras.Model(images, _InSchemaOrder(order, name="keypoints")(joined), name="specialists")


def average(nets: Mapping[str, keras.Model]) -> keras.Model:
    """Builds one functional model that averages the predictions of several nets.

    Args:
        nets: by name, which must be the model's own; all predict the same keypoints.

    Returns:
        A model from images `(batch, 96, 96, 1)` to normalized keypoints `(batch, K, 2)`, sharing
        the nets' weights.

    Raises:
        ValueError: if there is no net, or a net has another name.
    """
    received = {key: net.name for key, net in nets.items()}
    if not nets or received != {key: key for key in nets}:
        raise ValueError(f"An ensemble needs nets keyed by their names. Received: {received}.")
    images = keras.Input(keypoint_schema.IMAGE_SHAPE, name="images")
    answers = [net(images) for net in nets.values()]
    if len(answers) == 1:
        return keras.Model(images, answers[0], name="ensemble")
    mean = keras.layers.Average(dtype="float32", name="keypoints")(answers)
    return keras.Model(images, mean, name="ensemble")


@keras.saving.register_keras_serializable(package="facial_keypoints")
class _InSchemaOrder(keras.layers.Layer):
    """Reorders keypoints `(batch, 15, 2)` from a given order of names to the schema's."""

    def __init__(self, order, **kwargs):
        super().__init__(**(kwargs | {"dtype": "float32"}))
        self.order = list(order)
        self._positions = np.argsort(keypoint_schema.indices(self.order)).tolist()

    def call(self, keypoints):
        return ops.take(keypoints, self._positions, axis=1)

    def get_config(self):
        return super().get_config() | {"order": self.order}
