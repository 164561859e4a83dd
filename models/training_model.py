"""A net as it is trained, with additional outputs and losses that are not deployed."""

import keras
import numpy as np
from keras import ops

import keypoint_schema
from models.heatmap_layers import TARGET_DEVIATION, SoftArgmax, cell_centres
from models.heatmap_nets import CONTEXT_LAYER
from models.losses import labelled_keypoints, labelled_mean


class TrainingModel(keras.Model):
    """Shares the net's layers and adds heatmap cross-entropy and scales.

    Its output is a dict of `keypoints` and, for the cross-entropy, `heatmaps` (logits), and for
    the likelihood, `log_scales`. These two count only in training, so that validation losses are
    those of the keypoints alone.

    Args:
        net: for `heatmap_loss`, it must end in a `SoftArgmax` layer.
        heatmap_loss: weight of the cross-entropy, in nats, in the loss; 0 leaves it out.
        likelihood: whether `laplace_loss` replaces the compiled loss in training.

    Raises:
        ValueError: if the net has no heatmaps, or lacks a layer that an option needs.

    Source: the cross-entropy is the KL term of Nibali et al., "Numerical Coordinate Regression with
    Convolutional Neural Networks", 2018.
    """

    def __init__(
        self,
        net: keras.Model,
        heatmap_loss: float = 0.0,
        likelihood: bool = False,
    ):
        last = net.layers[-1]
        if heatmap_loss and not isinstance(last, SoftArgmax):
            raise ValueError(f"{net.name} has no heatmaps; heatmap_loss must be 0 for it.")
        outputs = {"keypoints": net.output}
        if heatmap_loss:
            outputs["heatmaps"] = last.input
        if likelihood:
            outputs["log_scales"] = _log_scales(net)
        super().__init__(net.input, outputs, name=net.name)
        # Loss and metrics are those of the keypoints alone. Keras 3.12, the last for Python 3.10,
        # would ask for metrics of each output.
        self.output_names = ["keypoints"]
        self.heatmap_loss = heatmap_loss
        self.likelihood = likelihood

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if training and self.likelihood:
            loss = laplace_loss(y, y_pred["keypoints"], y_pred["log_scales"])
        else:
            loss = super().compute_loss(x, y, y_pred["keypoints"], sample_weight, training)
        if training and self.heatmap_loss:
            loss += self.heatmap_loss * heatmap_cross_entropy(y, y_pred["heatmaps"])
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred["keypoints"], sample_weight)


def _log_scales(net):
    """Predicts the log of each keypoint's scale from the coarsest features; initially 1 px."""
    if CONTEXT_LAYER not in [layer.name for layer in net.layers]:
        raise ValueError(f"{net.name} has no heatmaps; loss must be mse or huber for it.")
    features = keras.layers.Flatten()(net.get_layer(CONTEXT_LAYER).output)
    return keras.layers.Dense(
        net.output.shape[1], kernel_initializer="zeros", dtype="float32", name="log_scales"
    )(features)


def laplace_loss(y_true, y_pred, log_scales):
    """Computes the negative log-likelihood of labels, a mean over labelled keypoints.

    The density of a label at distance d from the prediction is assumed to be proportional to
    exp(−d / s) / s², and the net predicts s for each keypoint of each face. So errors weigh less
    where labels scatter anyway, such as around the end of an eyebrow or in a dim picture.

    Args:
        y_true: float32 `(batch, K, 2)`, normalized, NaN where unlabelled.
        y_pred: float32 `(batch, K, 2)`, normalized.
        log_scales: float32 `(batch, K)`, log s, s in px.

    Returns:
        A scalar, in nats, up to a constant; 0 if there are no labels.

    Source: Kendall and Gal, "What Uncertainties Do We Need in Bayesian Deep Learning for Computer
    Vision?", 2017, with a Laplace density of the distance.
    """
    labelled, places = labelled_keypoints(y_true)
    errors = (y_pred - places) * keypoint_schema.PIXELS_PER_UNIT
    # The square root of 0 has no derivative.
    distances = ops.sqrt(ops.sum(ops.square(errors), axis=-1) + 0.01)
    losses = distances * ops.exp(-log_scales) + 2 * log_scales
    return labelled_mean(losses, labelled)


def heatmap_cross_entropy(y_true, logits):
    """Computes the cross-entropy between Gaussians around the labels and the heatmaps, a mean.

    Args:
        y_true: float32 `(batch, K, 2)`, normalized, NaN where unlabelled.
        logits: float32 `(batch, height, width, K)` over the picture.

    Returns:
        A scalar, in nats; 0 if there are no labels.
    """
    labelled, places = labelled_keypoints(y_true)
    height, width, number = logits.shape[1:]
    cells = cell_centres(height, width).astype(np.float32).reshape(height, width, 2)
    # A Gaussian over the picture is one over its rows times one over its columns.
    columns = _gaussians(places[..., 0], cells[0, :, 0])
    rows = _gaussians(places[..., 1], cells[:, 0, 1])
    targets = ops.reshape(rows[..., None] * columns[..., None, :], (-1, number, height * width))
    heatmaps = ops.transpose(ops.reshape(logits, (-1, height * width, number)), (0, 2, 1))
    return labelled_mean(
        ops.categorical_crossentropy(targets, heatmaps, from_logits=True), labelled
    )


def _gaussians(centers, cells):
    """Shares of Gaussians around `(batch, K)` centers in each cell of a line, `(batch, K, n)`."""
    deviation = TARGET_DEVIATION / keypoint_schema.PIXELS_PER_UNIT
    return ops.softmax(-ops.square(centers[..., None] - cells) / (2 * deviation**2), axis=-1)
