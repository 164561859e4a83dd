"""MTCNN, three small nets in a row that find faces, as one graph of stock TensorFlow operations.

The same graph runs in `FaceDetector` and in exported models. Package `mtcnn` is only asked for its
weights; `tests/pictures/test_cascade.py` holds the graph against the package's own detector, whose
constants and pixel conventions it takes over. There are two differences. Only the likeliest
proposals are followed, which bounds what a picture can cost. And a score is the mean of those of a
face and its mirror image, which misses a third fewer faces at as many false alarms.

Source: K. Zhang et al., Joint Face Detection and Alignment Using Multi-task Cascaded Convolutional
Networks (2016); package `mtcnn` 1.0.
"""

import functools
import importlib.resources
import typing

import numpy as np
import tensorflow as tf

from errors import UserError

_CELL, _STRIDE = 12, 2  # px: what the first net sees at once, and from one place to the next
_MIN_FACE = 20  # px
_SHRINKS = 0.709  # from one level of the pyramid to the next
_LEVELS = 24  # enough for 2**14 px
# No photograph should come near these limits; noise goes beyond.
_PROPOSALS = 1024  # from one level of the pyramid, and from all
_CANDIDATES = 256  # after the second net
_PATCHES = 64  # that a net sees at once, which bounds memory


class Faces(typing.NamedTuple):
    """What the cascade finds, likeliest face first; px of the picture from its top left corner.

    Attributes:
        boxes: float32 `(F, 4)`: left, top, right, bottom. They may reach over the border.
        scores: float32 `(F,)`, from 0 to 1.
        landmarks: float32 `(F, 5, 2)`: eyes, nose and mouth corners.
    """

    boxes: tf.Tensor
    scores: tf.Tensor
    landmarks: tf.Tensor


@functools.cache
def load_weights() -> dict[str, list[np.ndarray]]:
    """Loads the three nets' weights: `pnet`, `rnet` and `onet`.

    Raises:
        UserError: if the extra is not installed.
    """
    try:
        import joblib

        folder = importlib.resources.files("mtcnn").joinpath("assets/weights")
    except ImportError as error:
        raise UserError(
            "Finding faces needs the weights of a detector, which is an extra: "
            "pip install -e '.[detect]'"
        ) from error
    return {net: joblib.load(folder / f"{net}.lz4") for net in ("pnet", "rnet", "onet")}


def cascade(picture: tf.Tensor, min_score: tf.Tensor | float) -> Faces:
    """Finds faces from 20 px on.

    Args:
        picture: float32 `(height, width, 3)`, RGB, 0–255.
        min_score: what is less surely a face to the last net is left out; in package `mtcnn`, 0.8.
    """
    weights = load_weights()
    picture = (picture[tf.newaxis] - 127.5) / 128.0
    found = _square(_proposals(picture, weights["pnet"]))

    rnet = functools.partial(_rnet, weights["rnet"])
    scores, offsets = _refined(picture, found, 24, rnet, [(), (4,)])
    found = _moved(found, scores, offsets)
    found = _square(_suppressed(found[found[:, 4] > 0.7], 0.7))[:_CANDIDATES]

    onet = functools.partial(_onet_scored_both_ways, weights["onet"])
    scores, offsets, landmarks = _refined(picture, found, 48, onet, [(), (4,), (10,)])
    start, size = found[:, :2], found[:, 2:4] - found[:, :2] + 1.0
    landmarks = tf.stack([landmarks[:, :5], landmarks[:, 5:]], axis=2)
    landmarks = start[:, tf.newaxis] + landmarks * size[:, tf.newaxis] - 1.0
    found = _moved(found, scores, offsets)
    found = tf.concat([found, tf.reshape(landmarks, (-1, 10))], axis=1)
    found = _suppressed(found[found[:, 4] >= min_score], 0.7, of_smaller=True)
    return Faces(found[:, :4], found[:, 4], tf.reshape(found[:, 5:], (-1, 5, 2)))


def _proposals(picture, weights):
    """Lets the first net see the picture at each level of a pyramid; returns `found` `(N, 5)`.

    Here and below, its columns are left, top, right, bottom and score.
    """
    height, width = tf.unstack(tf.cast(tf.shape(picture)[1:3], tf.float64))
    # As many levels as keep the shorter side at 12 px or more; none for a picture below 20 px.
    shorter = tf.minimum(height, width)
    levels = tf.round(tf.math.log(shorter / _CELL) / -np.log(_SHRINKS) - 1.0)
    scales = tf.constant(_CELL / _MIN_FACE * _SHRINKS ** np.arange(_LEVELS))

    def level(number, found):
        scale = scales[number]
        size = tf.cast([height * scale, width * scale], tf.int32)
        small = tf.image.resize(picture, size, method="area")
        offsets, scores = _pnet(weights, small)
        columns = tf.shape(scores)[1]
        scores, places = tf.math.top_k(
            tf.reshape(scores, [-1]), tf.minimum(_PROPOSALS, tf.size(scores))
        )
        likely = scores > 0.6
        scores, places = scores[likely], places[likely]
        start = tf.stack([places % columns, places // columns], axis=1) * _STRIDE + 1
        cells = tf.cast(tf.concat([start, start - 1 + _CELL], axis=1), tf.float32)
        # The offsets are in cells, which are a pixel narrower than they should be.
        boxes = cells + tf.gather(tf.reshape(offsets, (-1, 4)), places) * (_CELL - 1.0)
        proposed = tf.concat([boxes / tf.cast(scale, tf.float32), scores[:, tf.newaxis]], axis=1)
        return number + 1, tf.concat([found, _suppressed(proposed, 0.5)], axis=0)

    _, found = tf.while_loop(
        lambda number, _: number < tf.cast(levels, tf.int32),
        level,
        (0, tf.zeros((0, 5))),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, 5])),
        parallel_iterations=1,
    )
    return _suppressed(found, 0.7)


def _refined(picture, found, size, net, shapes):
    """Lets a net see the part of the picture in each box, some at a time.

    Returns:
        Its outputs, of these shapes for each box.
    """
    height, width = tf.unstack(tf.cast(tf.shape(picture)[1:3], tf.float32))
    corners = tf.gather(found, [1, 0, 3, 2], axis=1) / [height, width, height, width]

    def see(corners):
        patches = tf.image.crop_and_resize(
            picture, corners, tf.zeros_like(corners[:, 0], tf.int32), (size, size)
        )
        return net(patches)

    def more(start, *outputs):
        seen = see(corners[start : start + _PATCHES])
        return start + _PATCHES, *(
            tf.concat(both, axis=0) for both in zip(outputs, seen, strict=True)
        )

    _, *outputs = tf.while_loop(
        lambda start, *_: start < tf.shape(corners)[0],
        more,
        (0, *(tf.zeros((0, *shape)) for shape in shapes)),
        shape_invariants=(
            tf.TensorShape([]),
            *(tf.TensorShape([None, *shape]) for shape in shapes),
        ),
        parallel_iterations=1,
    )
    return outputs


def _moved(found, scores, offsets):
    size = found[:, 2:4] - found[:, :2] + 1.0
    boxes = found[:, :4] + offsets * tf.tile(size, (1, 2))
    return tf.concat([boxes, scores[:, tf.newaxis]], axis=1)


def _square(found):
    """Makes boxes square around their centres, as wide as their longer side."""
    size = found[:, 2:4] - found[:, :2]
    side = tf.reduce_max(size, axis=1, keepdims=True)
    start = found[:, :2] + (size - side) * 0.5
    return tf.concat([start, start + side, found[:, 4:]], axis=1)


def _suppressed(found, threshold, of_smaller=False):
    """Leaves out boxes that a likelier one overlaps, even if that one is left out itself.

    Args:
        found: `(N, 5)` or wider.
        threshold: more than this is an overlap, as a share of the union or the smaller box.

    Returns:
        The others, likeliest first.
    """
    order = tf.argsort(found[:, 4], direction="DESCENDING", stable=True)[:_PROPOSALS]
    found = tf.gather(found, order)
    start, end = found[:, tf.newaxis, :2], found[:, tf.newaxis, 2:4]
    common = tf.minimum(end, end[:, 0]) - tf.maximum(start, start[:, 0])
    common = tf.reduce_prod(tf.maximum(common, 0.0), axis=2)
    area = tf.reduce_prod(end - start, axis=2)
    whole = tf.minimum(area, area[:, 0]) if of_smaller else area + area[:, 0] - common
    places = tf.range(tf.shape(found)[0])
    overlaps = (common / whole > threshold) & (places[:, tf.newaxis] < places)
    return found[~tf.reduce_any(overlaps, axis=0)]


def _pnet(weights, x):
    weights = iter(weights)
    x = _pooled(_convolved(x, weights), 2, "SAME")
    x = _convolved(_convolved(x, weights), weights)
    offsets = tf.nn.conv2d(x, next(weights), 1, "VALID") + next(weights)
    logits = tf.nn.conv2d(x, next(weights), 1, "VALID") + next(weights)
    return offsets[0], tf.nn.softmax(logits)[0, :, :, 1]


def _rnet(weights, x):
    weights = iter(weights)
    x = _pooled(_convolved(x, weights), 3, "SAME")
    x = _pooled(_convolved(x, weights), 3, "VALID")
    x = _dense(_convolved(x, weights), weights)
    offsets = x @ next(weights) + next(weights)
    logits = x @ next(weights) + next(weights)
    return tf.nn.softmax(logits)[:, 1], offsets


def _onet(weights, x):
    weights = iter(weights)
    x = _pooled(_convolved(x, weights), 3, "SAME")
    x = _pooled(_convolved(x, weights), 3, "VALID")
    x = _pooled(_convolved(x, weights), 2, "SAME")
    x = _dense(_convolved(x, weights), weights)
    offsets = x @ next(weights) + next(weights)
    landmarks = x @ next(weights) + next(weights)
    logits = x @ next(weights) + next(weights)
    return tf.nn.softmax(logits)[:, 1], offsets, landmarks


def _onet_scored_both_ways(weights, x):
    weights = [tf.constant(each) for each in weights]  # or the graph would have them twice
    scores, offsets, landmarks = _onet(weights, x)
    mirrored, _, _ = _onet(weights, tf.reverse(x, [2]))
    return (scores + mirrored) / 2.0, offsets, landmarks


def _convolved(x, weights):
    x = tf.nn.conv2d(x, next(weights), 1, "VALID") + next(weights)
    return _activated(x, next(weights))


def _dense(x, weights):
    x = tf.transpose(x, (0, 2, 1, 3))  # columns before rows, as in the original's Caffe
    kernel = next(weights)
    x = tf.reshape(x, (-1, kernel.shape[0])) @ kernel + next(weights)
    return _activated(x, next(weights))


def _activated(x, slope):
    return tf.where(x > 0.0, x, slope * x)  # PReLU


def _pooled(x, size, padding):
    return tf.nn.max_pool2d(x, size, 2, padding)
