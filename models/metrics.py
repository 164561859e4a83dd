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


@keras.saving.register_keras_serializable(package="facial_keypoints")
class RootMeanSquaredErrorPixels(LabelledMeanSquaredError):
    """Root mean squared error in px of the 96×96 image, comparable with the tutorial's tables."""

    def __init__(self, name="rmse_px", **kwargs):
        super().__init__(name=name, **kwargs)

    def result(self):
        return keypoint_schema.PIXELS_PER_UNIT * ops.sqrt(super().result())
