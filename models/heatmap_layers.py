"""The layers of the heatmap nets that Keras lacks: input standardization and soft-argmax."""

import keras
import numpy as np
from keras import ops

import keypoint_schema

TARGET_DEVIATION = 3.0  # px, of the Gaussian that a heatmap is compared with in training
_FLAT_PICTURE = 0.02  # share of the gray range; keeps the noise of a flat picture small


@keras.saving.register_keras_serializable(package="facial_keypoints")
class Standardize(keras.layers.Layer):
    """Scales each picture to mean 0 and standard deviation 1, so that exposure does not matter.

    Input `(batch, height, width, 1)`, 0–255; output the same shape in the compute dtype.
    """

    def call(self, images):
        # The statistics need float32 even under a mixed policy, which casts the inputs first;
        # whole numbers from 0 to 255 are exact in bfloat16.
        x = ops.cast(images, "float32") / 255.0
        x = x - ops.mean(x, axis=(1, 2, 3), keepdims=True)
        deviation = ops.sqrt(ops.mean(ops.square(x), axis=(1, 2, 3), keepdims=True))
        return ops.cast(x / (deviation + _FLAT_PICTURE), self.compute_dtype)


@keras.saving.register_keras_serializable(package="facial_keypoints")
class SoftArgmax(keras.layers.Layer):
    """The expected position under the softmax of each heatmap (DSNT).

    Input: logits `(batch, height, width, K)` over the picture; output: float32 `(batch, K, 2)`,
    normalized (x, y). Always computed in float32.

    Source: Nibali et al., "Numerical Coordinate Regression with Convolutional Neural Networks",
    2018.
    """

    def __init__(self, **kwargs):
        super().__init__(**(kwargs | {"dtype": "float32"}))

    def build(self, input_shape):
        self._cells = cell_centres(*input_shape[1:3]).astype(np.float32)
        super().build(input_shape)

    def call(self, logits):
        return ops.matmul(self._shares(logits), self._cells)

    def _shares(self, logits):
        heatmaps = ops.reshape(logits, (-1, len(self._cells), logits.shape[-1]))
        return ops.softmax(ops.transpose(heatmaps, (0, 2, 1)), axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1], 2)


@keras.saving.register_keras_serializable(package="facial_keypoints")
class SoftArgmaxWithUncertainty(SoftArgmax):
    """Also tells how far apart the places are that the net holds possible for a keypoint.

    A heatmap that was trained against Gaussians around the labels is, at best, the probability of
    each place, blurred by that Gaussian. So its variance minus the Gaussian's is that of the place.

    Output: float32 `(batch, K, 3)`, normalized: x, y, and the uncertainty, which is the root mean
    square distance of the possible places from there; 0 if the heatmap is no wider than its target.
    """

    def call(self, logits):
        shares = self._shares(logits)
        means = ops.matmul(shares, self._cells)
        squares = ops.matmul(shares, np.sum(self._cells**2, axis=1, keepdims=True))
        variance = squares - ops.sum(ops.square(means), axis=-1, keepdims=True)
        blur = 2 * (TARGET_DEVIATION / keypoint_schema.PIXELS_PER_UNIT) ** 2
        return ops.concatenate([means, ops.sqrt(ops.maximum(variance - blur, 0.0))], axis=-1)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1], 3)


def cell_centres(height: int, width: int) -> np.ndarray:
    """Returns the centres of a heatmap's cells, `(height · width, 2)`, normalized."""
    size = keypoint_schema.IMAGE_SIZE
    y = (np.arange(height) + 0.5) * size / height - 0.5
    x = (np.arange(width) + 0.5) * size / width - 0.5
    cells = np.stack(np.meshgrid(x, y), axis=-1).reshape(height * width, 2)
    return keypoint_schema.to_normalized(cells)
