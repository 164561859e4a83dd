"""A net as it is trained: with what it is taught beside its answers, none of which is deployed."""

import keras
import numpy as np
from keras import ops

import keypoint_schema
from models.heatmap_layers import SoftArgmax, cell_centres
from models.warm_start import OUTPUT_LAYER

TARGET_DEVIATION = 3.0  # px, of the Gaussian that a heatmap is compared with


class TrainingModel(keras.Model):
    """Shares the net's layers and adds heatmap cross-entropy, a twin of the output layer, or both.

    It answers with a dict of `keypoints` and, for the cross-entropy, `heatmaps` (logits). The
    cross-entropy counts in training only, so that validation losses are those of keypoints alone.

    The twin answers for rows of the partial source, whose labeller put the same keypoints
    elsewhere, so that the net itself learns from them all but where its answers should lie. With
    it keypoints and labels are `(batch, 2K, 2)`, as `FaceData.by_source` has them: first the net's
    own, then the twin's. Labels are missing on one side or the other, and what has no label gets
    no gradient.

    Args:
        net: for `heatmap_loss` it ends in a `SoftArgmax` layer; for `source_aware` it has a layer
            `OUTPUT_LAYER`, from where on it is one chain of layers.
        heatmap_loss: weight of the cross-entropy, in nats, in the loss; 0 leaves it out.
        source_aware: whether there is a twin. It begins with the net's weights.

    Raises:
        ValueError: if the net draws no heatmaps, or has no output layer of that name.

    Source: the cross-entropy is the KL term of Nibali et al., "Numerical Coordinate Regression with
    Convolutional Neural Networks", 2018.
    """

    def __init__(self, net: keras.Model, heatmap_loss: float = 0.0, source_aware: bool = False):
        last = net.layers[-1]
        if heatmap_loss and not isinstance(last, SoftArgmax):
            raise ValueError(f"{net.name} draws no heatmaps; heatmap_loss must be 0 for it.")
        heads = [(last.input, net.output)]
        if source_aware:
            heads.append(_twin(net))
        before, answers = zip(*heads, strict=True)
        outputs = {"keypoints": _joined(answers, axis=1)}
        if heatmap_loss:
            outputs["heatmaps"] = _joined(before, axis=-1)
        super().__init__(net.input, outputs, name=net.name)
        self.heatmap_loss = heatmap_loss

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred["keypoints"], sample_weight, training)
        if training and self.heatmap_loss:
            loss += self.heatmap_loss * heatmap_cross_entropy(y, y_pred["heatmaps"])
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred["keypoints"], sample_weight)


def _twin(net):
    """Input and output of the last of the layers that copy the net's from its output layer on."""
    names = [layer.name for layer in net.layers]
    if OUTPUT_LAYER not in names:
        raise ValueError(f"{net.name} has no layer {OUTPUT_LAYER!r}; source_aware must be False.")
    tail = net.layers[names.index(OUTPUT_LAYER) :]
    answer = tail[0].input
    for layer in tail:
        copy = type(layer).from_config(layer.get_config() | {"name": f"{layer.name}_partial"})
        before, answer = answer, copy(answer)
        copy.set_weights(layer.get_weights())
    return before, answer


def _joined(tensors, axis):
    if len(tensors) == 1:
        return tensors[0]
    return keras.layers.Concatenate(axis=axis, dtype="float32")(tensors)


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
