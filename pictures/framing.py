"""From a photograph to the squares around its faces, as stock TensorFlow operations."""

import functools

import tensorflow as tf

from pictures.cascade import cascade

# What is larger is shrunk before faces are looked for, so a face must be 2 to 3 % of the long side.
# At 1600 px, it finds 4 of 859 more, takes two to three times as long, and takes a pagoda for a
# face in most of the photographs that show one.
MAX_SIDE = 800  # px
# Where no face is found, it looks again at four fifths of that size, and is to be twice as sure. Of
# 20 faces of 859 that were missed, one in a photograph, that finds 8, and takes 3 places more for a
# face in 400 details of landscapes. As sure as at first, it finds 13, and takes 8.
_LOOKS = (1.0, 0.8)
# From the cascade's box and landmarks to the square around a face that nets are trained on, fitted
# to training faces: the side then is right to 7 %, the centre to 3 % of the side.
_SIDE = 1.168  # of the geometric mean of the box's width and height
_SHIFT = (0.014, -0.053)  # of the side, from the centre of the five landmarks
# A square may reach over the border, but one that is larger than this holds no face.
_LARGEST = 1.5  # of the picture's shorter side


def find_squares(rgb, min_score, max_side=MAX_SIDE, looks=_LOOKS):
    """Finds the faces of a photograph.

    Args:
        rgb: uint8 `(height, width, 3)`.
        min_score: scalar; what is less surely a face is left out.
        max_side: px; what is larger is shrunk first.
        looks: scales of the photograph after that, one tried after the other until a face is found;
            each time, the doubt that `min_score` allows is halved.

    Returns:
        squares: float32 `(F, 4)`: left, top, width and height in px of the photograph, from the
            outer corner of its top left pixel; from left to right.
        scores: float32 `(F,)`, from 0 to 1.
    """

    def look(number, *_):
        small = shrink(rgb, max_side, tf.gather(tf.constant(looks), number))
        surer = (1 - min_score) * (1 - 0.5 ** tf.cast(number, tf.float32))
        return number + 1, *_look(rgb, small, min_score + surer)

    # A loop, not branches, so that the nets are in the graph once.
    _, squares, scores = tf.while_loop(
        lambda number, _, scores: (number < len(looks)) & (tf.size(scores) == 0),
        look,
        (0, tf.zeros((0, 4)), tf.zeros((0,))),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None, 4]), tf.TensorShape([None])),
        parallel_iterations=1,
    )
    return squares, scores


def shrink(rgb, max_side=MAX_SIDE, scale=1.0):
    """Shrinks a picture to at most so many px, and then by a scale; returns float32, 0–255."""
    size = tf.cast(tf.shape(rgb)[:2], tf.float32)
    scale *= tf.minimum(1.0, max_side / tf.reduce_max(size))
    small = tf.cast(tf.maximum(1.0, tf.round(size * scale)), tf.int32)
    return tf.image.resize(rgb, small, method="bilinear", antialias=True)


def _look(rgb, small, min_score):
    """Finds the faces of a photograph in a smaller copy of it; returns as `find_squares`."""
    size, small_size = (
        tf.cast(tf.gather(tf.shape(each), [1, 0]), tf.float32) for each in (rgb, small)
    )  # width, height
    faces = cascade(small, min_score)
    squares = tf.tile(size / small_size, [2]) * face_squares(faces.boxes, faces.landmarks)
    side = tf.reduce_max(squares[:, 2:], axis=1)
    good = (side > 0) & (side < _LARGEST * tf.reduce_min(size))
    squares, scores = squares[good], faces.scores[good]
    order = tf.argsort(squares[:, 0], stable=True)
    return tf.gather(squares, order), tf.gather(scores, order)


def face_squares(boxes, landmarks):
    """The squares that are framed as training faces are.

    Args:
        boxes: float32 `(F, 4)`: left, top, right, bottom.
        landmarks: float32 `(F, 5, 2)`: eyes, nose and mouth corners.

    Returns:
        float32 `(F, 4)`: left, top, width and height.
    """
    area = tf.reduce_prod(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True)
    side = _SIDE * tf.sqrt(tf.maximum(area, 0.0))
    centre = tf.reduce_mean(landmarks, axis=1) + side * tf.constant(_SHIFT)
    return tf.concat([centre - side / 2, side, side], axis=1)


@functools.cache
def square_finder(max_side=MAX_SIDE, looks=_LOOKS):
    """Returns `find_squares` as one function, traced once for pictures of every size."""

    def find(rgb, min_score):
        return find_squares(rgb, min_score, max_side, looks)

    signature = [tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((), tf.float32)]
    function = tf.function(find, input_signature=signature, autograph=False)
    return function.get_concrete_function()
