"""A net as it is trained, with additional outputs and losses that are not deployed."""

import keras
import numpy as np
from keras import ops

import keypoint_schema
from models.heatmap_layers import SoftArgmax, cell_centres
from models.heatmap_nets import CONTEXT_LAYER
from models.losses import labelled_keypoints, labelled_mean
from models.warm_start import OUTPUT_LAYER

TARGET_DEVIATION = 3.0  # px, of the Gaussian that a heatmap is compared with


class TrainingModel(keras.Model):
    """Shares the net's layers and adds heatmap cross-entropy, scales, a second output layer.

    Its output is a dict of `keypoints` and, for the cross-entropy, `heatmaps` (logits), and for
    the likelihood, `log_scales`. These two count only in training, so that validation losses are
    those of the keypoints alone.

    The second output layer is for rows of the four-point labeller, who places the same keypoints
    elsewhere: these rows train the shared layers, but not the net's own output layer. Keypoints and
    labels are then `(batch, 2K, 2)`, as in `FaceData.by_labeller`: first the net's own, then the
    second layer's. A keypoint is labelled in at most one of the two, and unlabelled ones get no
    gradient.

    Args:
        net: for `heatmap_loss`, it must end in a `SoftArgmax` layer; for `source_aware`, it must
            have a layer `OUTPUT_LAYER` and be a single chain of layers from there on.
        heatmap_loss: weight of the cross-entropy, in nats, in the loss; 0 leaves it out.
        source_aware: whether to add a second output layer, initialized as a copy of the net's.
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
        source_aware: bool = False,
        likelihood: bool = False,
    ):
        last = net.layers[-1]
        if heatmap_loss and not isinstance(last, SoftArgmax):
            raise ValueError(f"{net.name} has no heatmaps; heatmap_loss must be 0 for it.")
        heads = [(last.input, net.output)]
        if source_aware:
            heads.append(_second_output(net))
        before, answers = zip(*heads, strict=True)
        outputs = {"keypoints": _joined(answers, axis=1)}
        if heatmap_loss:
            outputs["heatmaps"] = _joined(before, axis=-1)
        if likelihood:
            outputs["log_scales"] = _log_scales(net, sum(each.shape[1] for each in answers))
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


def _log_scales(net, number):
    """Predicts the log of each keypoint's scale from the coarsest features; initially 1 px."""
    _check_layer(net, CONTEXT_LAYER, "loss must be another")
    features = keras.layers.Flatten()(net.get_layer(CONTEXT_LAYER).output)
    return keras.layers.Dense(
        number, kernel_initializer="zeros", dtype="float32", name="log_scales"
    )(features)


def _check_layer(net, name, remedy):
    if name not in [layer.name for layer in net.layers]:
        raise ValueError(f"{net.name} has no layer {name!r}; {remedy}.")


def _second_output(net):
    """Copies the layers from the output layer on; returns input and output of the last copy."""
    _check_layer(net, OUTPUT_LAYER, "source_aware must be False")
    names = [layer.name for layer in net.layers]
    tail = net.layers[names.index(OUTPUT_LAYER) :]
    answer = tail[0].input
    for layer in tail:
        copy = type(layer).from_config(layer.get_config() | {"name": f"{layer.name}_four_point"})
        before, answer = answer, copy(answer)
        copy.set_weights(layer.get_weights())
    return before, answer


def _joined(tensors, axis):
    if len(tensors) == 1:
        return tensors[0]
    return keras.layers.Concatenate(axis=axis, dtype="float32")(tensors)


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
    cells = cell_centres(*logits.shape[1:3]).astype(np.float32)
    distances = ops.sum(ops.square(places[:, :, None] - cells), axis=-1)
    deviation = TARGET_DEVIATION / keypoint_schema.PIXELS_PER_UNIT
    targets = ops.softmax(-distances / (2 * deviation**2), axis=-1)
    heatmaps = ops.transpose(ops.reshape(logits, (-1, len(cells), logits.shape[-1])), (0, 2, 1))
    entropies = -ops.sum(targets * ops.log_softmax(heatmaps, axis=-1), axis=-1)
    return labelled_mean(entropies, labelled)
