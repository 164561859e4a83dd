"""The errors shown in tables, exact over the labelled coordinates of an epoch."""

import keras
from keras import ops

import keypoint_schema
from models.losses import masked_errors


@keras.saving.register_keras_serializable(package="facial_keypoints")
class LabelledMeanSquaredError(keras.metrics.Metric):
    """Mean squared error in normalized units over every labelled coordinate of an epoch.

    Unlike the mean of the batches' losses, it is exact when batches differ in size or in labels,
    and it is the same quantity whatever loss a net is trained with.
    """

    def __init__(self, name="mse", **kwargs):
        super().__init__(name=name, **kwargs)
        self.squares = self.add_variable((), initializer="zeros", name="squares")
        self.count = self.add_variable((), initializer="zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        errors, count = masked_errors(ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred))
        self.squares.assign_add(ops.sum(ops.square(errors)))
        self.count.assign_add(count)

    def result(self):
        return self.squares / ops.maximum(self.count, 1.0)


class LossOfFaces(keras.metrics.Metric):
    """The loss of an epoch's faces: the mean of the batches' losses, weighted by their faces.

    That is what Keras logs as `loss`, except that rows without labels do not count as faces: those
    with which a batch is filled up.

    Args:
        loss: of a batch.
    """

    def __init__(self, loss: keras.losses.Loss, name="loss_of_faces", **kwargs):
        super().__init__(name=name, **kwargs)
        self.loss = loss
        self.total = self.add_variable((), initializer="zeros", name="total")
        self.faces = self.add_variable((), initializer="zeros", name="faces")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.convert_to_tensor(y_true)
        is_face = ops.any(ops.logical_not(ops.isnan(y_true)), axis=(1, 2))
        faces = ops.sum(ops.cast(is_face, self.dtype))
        self.total.assign_add(faces * self.loss(y_true, y_pred))
        self.faces.assign_add(faces)

    def result(self):
        return self.total / ops.maximum(self.faces, 1.0)


@keras.saving.register_keras_serializable(package="facial_keypoints")
class RootMeanSquaredErrorPixels(LabelledMeanSquaredError):
    """Root mean squared error in px of the 96×96 image, comparable with the tutorial's tables."""

    def __init__(self, name="rmse_px", **kwargs):
        super().__init__(name=name, **kwargs)

    def result(self):
        return keypoint_schema.PIXELS_PER_UNIT * ops.sqrt(super().result())
