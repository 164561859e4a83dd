"""A net as it is trained: with what it is taught beside its answers, none of which is deployed."""

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

    It answers with a dict of `keypoints` and, for the cross-entropy, `heatmaps` (logits), and for
    the likelihood `log_scales`. Both count in training only, so that validation losses are those
    of keypoints alone.

    The second layer answers for rows of the four-point labeller, who put the same keypoints
    elsewhere, so that the net itself learns from them all but where its answers should lie. With it
    keypoints and labels are `(batch, 2K, 2)`, as `FaceData.by_labeller` has them: first the net's
    own, then the second layer's. Labels are missing on one side or the other, and what has no label
    gets no gradient.

    Args:
        net: for `heatmap_loss` it ends in a `SoftArgmax` layer; for `source_aware` it has a layer
            `OUTPUT_LAYER`, from where on it is one chain of layers.
        heatmap_loss: weight of the cross-entropy, in nats, in the loss; 0 leaves it out.
        source_aware: whether there is a second output layer, which begins as a copy.
        likelihood: whether `laplace_loss` takes the place of the compiled loss in training.

    Raises:
        ValueError: if the net draws no heatmaps, or lacks a layer that an option needs.

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
            raise ValueError(f"{net.name} draws no heatmaps; heatmap_loss must be 0 for it.")
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
    """How far off each answer may be, as the coarsest features have it; 1 px to begin with."""
    _check_layer(net, CONTEXT_LAYER, "loss must be another")
    features = keras.layers.Flatten()(net.get_layer(CONTEXT_LAYER).output)
    return keras.layers.Dense(
        number, kernel_initializer="zeros", dtype="float32", name="log_scales"
    )(features)


def _check_layer(net, name, remedy):
    if name not in [layer.name for layer in net.layers]:
        raise ValueError(f"{net.name} has no layer {name!r}; {remedy}.")


def _second_output(net):
    """Input and output of the last of the layers that copy the net's from its output layer on."""
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
    """Negative log-likelihood of the distances to the labels, a mean over labelled keypoints.

    A keypoint is supposed to lie at a distance d from its answer with a density in proportion to
    exp(−d / s) / s², and the net says s for each keypoint of each face. So where labels scatter
    anyway, as about an eyebrow's end, or in a dim picture, their errors pull less.

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
    """Cross-entropy between Gaussians about the labels and the heatmaps, a mean over labels.

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
