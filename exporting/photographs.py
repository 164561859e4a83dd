"""Finds the faces of whole photographs inside the graph, and cuts them out as the nets expect them.

The crops are those of `pictures.cropping.crop`, which rounds gray values as Pillow does: after they
are computed, and after each of the two passes of the resize.
"""

import typing

import tensorflow as tf

from exporting.picture_decoding import decode_pictures, to_gray
from keypoint_schema import IMAGE_SHAPE, IMAGE_SIZE
from pictures.framing import find_squares

_BAND = 512  # rows of a square that are scaled at a time, which bounds memory


class FoundFaces(typing.NamedTuple):
    """The faces of a batch of photographs, one photograph's after another's.

    Attributes:
        crops: float32 `(N, 96, 96, 1)`, gray 0–255.
        squares: float32 `(N, 4)`: left, top, width and height in px of the photograph.
        scores: float32 `(N,)`.
        counts: int32 `(batch,)`, how many of them each photograph has.
        errors: string `(batch,)`, why a photograph was refused; else empty.
    """

    crops: tf.Tensor
    squares: tf.Tensor
    scores: tf.Tensor
    counts: tf.Tensor
    errors: tf.Tensor


def find_faces(image_bytes, min_score):
    """Decodes picture files, finds their faces and cuts them out.

    Args:
        image_bytes: string `(batch,)`.
        min_score: what is less surely a face is left out.

    Returns:
        A `FoundFaces`.
    """

    def convert(rgb):
        squares, scores = find_squares(rgb, min_score)
        crops = tf.map_fn(
            lambda square: crop(rgb, square),
            squares,
            fn_output_signature=tf.TensorSpec(IMAGE_SHAPE),
            parallel_iterations=1,
        )
        return crops, squares, scores

    nothing = tf.zeros((0, *IMAGE_SHAPE)), tf.zeros((0, 4)), tf.zeros((0,))
    places, (crops, squares, scores), _, errors = decode_pictures(image_bytes, convert, nothing)
    counts = tf.cast(scores.row_lengths(), tf.int32)
    counts = tf.scatter_nd(places[:, tf.newaxis], counts, tf.shape(image_bytes, tf.int64))
    return FoundFaces(crops.values, squares.values, scores.values, counts, errors)


def crop(rgb, square):
    """Cuts out a square and scales it; outside the picture its border goes on.

    Args:
        rgb: uint8 `(height, width, 3)`.
        square: float32 `(4,)`: left, top, width and height, which may differ a little.

    Returns:
        float32 `(96, 96, 1)`, gray 0–255.
    """
    left, top, width, height = tf.unstack(square)
    columns, left = _places(left, width, tf.shape(rgb)[1])
    rows, top = _places(top, height, tf.shape(rgb)[0])
    bands = tf.TensorArray(tf.uint8, 0, dynamic_size=True, infer_shape=False)

    def narrow(number, bands):
        band = tf.gather(rgb, rows[number * _BAND : (number + 1) * _BAND])
        gray = to_gray(tf.gather(band, columns, axis=1))
        shape = tf.stack([tf.shape(gray)[0], IMAGE_SIZE])
        scale = tf.stack([1.0, IMAGE_SIZE / width])
        shift = tf.stack([0.0, left])
        return number + 1, bands.write(number, _resized(gray, shape, scale, shift))

    _, bands = tf.while_loop(
        lambda number, _: number * _BAND < tf.size(rows),
        narrow,
        (0, bands),
        parallel_iterations=1,
    )
    narrowed = tf.ensure_shape(bands.concat(), (None, IMAGE_SIZE, 1))
    shape = tf.constant([IMAGE_SIZE, IMAGE_SIZE])
    scale = tf.stack([IMAGE_SIZE / height, 1.0])
    return tf.cast(_resized(narrowed, shape, scale, tf.stack([top, 0.0])), tf.float32)


def _places(start, size, end):
    """Returns the rows or columns that a square needs, int32, and where among them it starts."""
    # The filter reaches over the square by as many pixels as one pixel of the crop covers.
    margin = tf.math.ceil(size / IMAGE_SIZE) + 1.0
    first, last = tf.math.floor(start) - margin, tf.math.ceil(start + size) + margin
    places = tf.range(tf.cast(first, tf.int32), tf.cast(last, tf.int32))
    return tf.clip_by_value(places, 0, end - 1), start - first


def _resized(gray, shape, scale, start):
    """Resizes uint8 `(height, width, 1)` from `start` on as Pillow does, and rounds."""
    resized = tf.raw_ops.ScaleAndTranslate(
        images=gray[tf.newaxis],
        size=shape,
        scale=scale,
        translation=-start * scale,
        kernel_type="triangle",
        antialias=True,
    )
    return tf.cast(tf.floor(resized[0] + 0.5), tf.uint8)
