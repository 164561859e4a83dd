"""Masks for missing labels, and losses over the coordinates of labelled keypoints."""

import keras
from keras import ops

import keypoint_schema


def labelled_keypoints(y_true):
    """Returns which keypoints are labelled, and their labels.

    For every loss, a keypoint counts as labelled only if both of its coordinates are. NaN labels
    are replaced before any subtraction: a `where` after it would still pass NaN gradients back,
    because 0 · NaN is NaN.

    Args:
        y_true: float32 `(batch, K, 2)`, NaN where unlabelled.

    Returns:
        bool `(batch, K)`, and the labels with zeros in place of missing ones.
    """
    labelled = ops.logical_not(ops.any(ops.isnan(y_true), axis=-1))
    return labelled, ops.where(labelled[..., None], y_true, ops.zeros_like(y_true))


def masked_errors(y_true, y_pred):
    """Returns the errors, zero where there is no label, and the number of labelled coordinates.

    Args:
        y_true: float32 `(batch, K, 2)`, NaN where unlabelled.
        y_pred: float32 `(batch, K, 2)`.

    Returns:
        `(batch, K, 2)` errors, and the count as a float32 scalar.
    """
    labelled, places = labelled_keypoints(y_true)
    mask = ops.cast(labelled, y_pred.dtype)
    return mask[..., None] * (y_pred - places), 2 * ops.sum(mask)


def labelled_mean(values, labelled):
    """Returns the mean of `(batch, K)` values over labelled keypoints; 0 if there are none."""
    mask = ops.cast(labelled, values.dtype)
    return ops.sum(mask * values) / ops.maximum(ops.sum(mask), 1.0)


@keras.saving.register_keras_serializable(package="facial_keypoints")
class MaskedMeanSquaredError(keras.losses.Loss):
    """Mean squared error over the labelled coordinates of a batch; 0 if it has none."""

    def __init__(self, name="masked_mean_squared_error", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        errors, count = masked_errors(y_true, y_pred)
        return ops.sum(ops.square(errors)) / ops.maximum(count, 1.0)


@keras.saving.register_keras_serializable(package="facial_keypoints")
class MaskedHuber(keras.losses.Loss):
    """Huber loss over the labelled coordinates of a batch, in px; 0 if it has none.

    With error e and width δ: e² / 2δ up to δ, |e| − δ/2 beyond.

    Args:
        delta: δ in px, where the parabola becomes a line.

    Source: Huber, "Robust Estimation of a Location Parameter", 1964, divided by δ.
    """

    def __init__(self, delta=1.5, name="masked_huber", **kwargs):
        super().__init__(name=name, **kwargs)
        self.delta = delta

    def call(self, y_true, y_pred):
        errors, count = masked_errors(y_true, y_pred)
        sizes = ops.abs(errors) * keypoint_schema.PIXELS_PER_UNIT
        parabola = ops.square(sizes) / (2 * self.delta)
        losses = ops.where(sizes <= self.delta, parabola, sizes - self.delta / 2)
        return ops.sum(losses) / ops.maximum(count, 1.0)

    def get_config(self):
        return super().get_config() | {"delta": self.delta}
