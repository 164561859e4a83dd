"""Teaches a heatmap net where its heatmaps should be bright, not only what their mean should be."""

import keras
import numpy as np
from keras import ops

import keypoint_schema
from models.heatmap_layers import SoftArgmax, cell_centres

TARGET_DEVIATION = 3.0  # px, of the Gaussian that a heatmap is compared with


class HeatmapSupervision(keras.Model):
    """A heatmap net as it is trained: the loss on keypoints plus cross-entropy on heatmaps.

    It shares the net's layers and answers with a dict of `keypoints` and `heatmaps` (logits). The
    cross-entropy counts in training only, so that validation losses are those of the net alone.

    Args:
        net: ends in a `SoftArgmax` layer.
        weight: of the cross-entropy, in nats, in the loss.

    Raises:
        ValueError: if the net draws no heatmaps.

    Source: as the KL term of Nibali et al., "Numerical Coordinate Regression with Convolutional
    Neural Networks", 2018.
    """

    def __init__(self, net: keras.Model, weight: float):
        head = net.layers[-1]
        if not isinstance(head, SoftArgmax):
            raise ValueError(f"{net.name} draws no heatmaps; heatmap_loss must be 0 for it.")
        outputs = {"keypoints": net.output, "heatmaps": head.input}
        super().__init__(net.input, outputs, name=net.name)
        self.weight = weight

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred["keypoints"], sample_weight, training)
        if training:
            loss += self.weight * heatmap_cross_entropy(y, y_pred["heatmaps"])
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred["keypoints"], sample_weight)


def heatmap_cross_entropy(y_true, logits):
    """Cross-entropy between Gaussians about the labels and the heatmaps, a mean over labels.

    Args:
        y_true: float32 `(batch, K, 2)`, normalized, NaN where unlabelled.
        logits: float32 `(batch, height, width, K)` over the picture.

    Returns:
        A scalar, in nats; 0 if there are no labels.
    """
    labelled = ops.logical_not(ops.any(ops.isnan(y_true), axis=-1))
    places = ops.where(labelled[..., None], y_true, ops.zeros_like(y_true))
    cells = cell_centres(*logits.shape[1:3]).astype(np.float32)
    distances = ops.sum(ops.square(places[:, :, None] - cells), axis=-1)
    deviation = TARGET_DEVIATION / keypoint_schema.PIXELS_PER_UNIT
    targets = ops.softmax(-distances / (2 * deviation**2), axis=-1)
    heatmaps = ops.transpose(ops.reshape(logits, (-1, len(cells), logits.shape[-1])), (0, 2, 1))
    entropies = -ops.sum(targets * ops.log_softmax(heatmaps, axis=-1), axis=-1)
    mask = ops.cast(labelled, entropies.dtype)
    return ops.sum(mask * entropies) / ops.maximum(ops.sum(mask), 1.0)
