"""The fifth signature: whole photographs in, the keypoints of every face in them out."""

import numpy as np
import tensorflow as tf

from exporting.photographs import find_faces
from keypoint_schema import IMAGE_SIZE
from pictures.detection import MIN_CONFIDENCE

SERVE_PHOTO = "serve_photo"
_BATCH = 32  # faces that the net sees at once; a photograph may have more


def photo_endpoint(predict, num_keypoints):
    """Builds the function behind `serve_photo`.

    Args:
        predict: from float32 `(batch, 96, 96, 1)` to px of the 96×96 image, `(batch, K, 2)`.
        num_keypoints: K.
    """

    def serve_photo(image_bytes):
        found = find_faces(tf.ensure_shape(image_bytes, (None,)), MIN_CONFIDENCE)
        in_crops = _in_batches(predict, found.crops, num_keypoints)
        start, size = found.squares[:, tf.newaxis, :2], found.squares[:, tf.newaxis, 2:]
        # (0, 0) is a pixel's centre, so the corner is at (−½, −½) in photograph and crop.
        keypoints = start + (in_crops + 0.5) * (size / IMAGE_SIZE) - 0.5
        refused = found.errors != ""
        return {
            "boxes": _padded(found.squares, found.counts, refused),
            "scores": _padded(found.scores, found.counts, refused),
            "keypoints": _padded(keypoints, found.counts, refused),
            "faces": found.counts,
            "error": found.errors,
        }

    return serve_photo


def _in_batches(predict, crops, num_keypoints):
    def more(start, keypoints):
        following = predict(crops[start : start + _BATCH])
        return start + _BATCH, tf.concat([keypoints, following], axis=0)

    shapes = tf.TensorShape([]), tf.TensorShape([None, num_keypoints, 2])
    _, keypoints = tf.while_loop(
        lambda start, _: start < tf.shape(crops)[0],
        more,
        (0, tf.zeros((0, num_keypoints, 2))),
        shape_invariants=shapes,
        parallel_iterations=1,
    )
    return keypoints


def _padded(values, counts, refused):
    """Lays out the faces' values `(N, …)` as `(batch, F, …)`, where F is at least 1.

    The rows after a photograph's last face are zero; those of a refused one are NaN.
    """
    batch, most = tf.shape(counts)[0], tf.maximum(1, tf.reduce_max(counts))
    photograph = tf.repeat(tf.range(batch), counts)
    place = tf.range(tf.shape(values)[0]) - tf.gather(tf.cumsum(counts, exclusive=True), photograph)
    shape = tf.concat([[batch, most], tf.shape(values)[1:]], axis=0)
    rows = tf.scatter_nd(tf.stack([photograph, place], axis=1), values, shape)
    rows = tf.ensure_shape(rows, [None, None, *values.shape[1:]])
    refused = tf.reshape(refused, [-1] + [1] * (len(values.shape)))
    return tf.where(refused, np.nan, rows)
