"""The loss over labelled coordinates."""

import keras
from keras import ops


def masked_squares(y_true, y_pred):
    """Squared errors where there is a label, zero elsewhere, and how many labels there are.

    NaN labels are replaced before the subtraction: a `where` after it would still pass NaN
    gradients back, for 0 · NaN is NaN.

    Args:
        y_true: float32 `(batch, K, 2)`, NaN where unlabelled.
        y_pred: float32 `(batch, K, 2)`.

    Returns:
        `(batch, K, 2)` squares, and the count as a float32 scalar.
    """
    labelled = ops.logical_not(ops.isnan(y_true))
    target = ops.where(labelled, y_true, ops.zeros_like(y_true))
    mask = ops.cast(labelled, y_pred.dtype)
    return mask * ops.square(target - y_pred), ops.sum(mask)


@keras.saving.register_keras_serializable(package="facial_keypoints")
class MaskedMeanSquaredError(keras.losses.Loss):
    """Mean squared error over the labelled coordinates of a batch; 0 if it has none."""

    def __init__(self, name="masked_mean_squared_error", **kwargs):
        super().__init__(name=name, **kwargs)

    def call(self, y_true, y_pred):
        squares, count = masked_squares(y_true, y_pred)
        return ops.sum(squares) / ops.maximum(count, 1.0)
