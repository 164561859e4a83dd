"""What every check of a picture file needs: its first bytes, its size, and rules to refuse it.

A server merges the requests of several clients into one batch. A picture that breaks a rule must
not fail its neighbours, so rules raise nothing: they give a message, which is empty if all hold.
"""

import typing

import tensorflow as tf

MAX_PIXELS = 2**24  # 16.8 megapixels: about 50 MB as RGB, and some 200 MB during conversion to gray
MAX_SIDE = 2**14  # px; bounds the half-resized picture, which is 96 px wide but as high as sent
HEADER_BYTES = 70  # up to the colour masks of a BMP


class Checked(typing.NamedTuple):
    """What is known about a picture before it is decoded.

    Attributes:
        error: scalar string, the rule that it breaks and what was received; empty if all hold.
        size: int64 `(2,)`, height and width in px.
        contents: scalar string, what the decoder gets: the file, or the part that holds pixels.
        layout: int64 `(3,)`, a BMP's bits per pixel and where its palette and its pixels begin;
            zeros for other formats.
    """

    error: tf.Tensor
    size: tf.Tensor
    contents: tf.Tensor
    layout: tf.Tensor


def checked(rules, height, width, contents, layout=(0, 0, 0)):
    """Returns a `Checked` whose error is the message of the first broken rule."""
    error = tf.constant("")
    for holds, message in reversed(rules):
        error = tf.where(holds, error, message)
    layout = tf.stack([tf.cast(value, tf.int64) for value in layout])
    return Checked(error, tf.stack([height, width]), contents, layout)


def rule(holds, text, *received):
    """Returns a rule: whether it holds, and the message if it does not."""
    message = f"The picture {text}"
    if received:
        message = tf.strings.format(" ".join([message, *["{}"] * len(received)]), received)
    return holds, message


def size_rule(height, width):
    """Returns the rule that a picture is not too large, as its header says, nor empty."""
    fits = (height > 0) & (width > 0) & (height <= MAX_SIDE) & (width <= MAX_SIDE)
    text = (
        f"must have at most {MAX_PIXELS} pixels and at most {MAX_SIDE} on a side. "
        "Received width, height:"
    )
    return rule(fits & (height * width <= MAX_PIXELS), text, width, height)


def header(contents):
    """Returns the first bytes of a file, uint8 `(HEADER_BYTES,)`, zero past its end."""
    return tf.io.decode_raw(contents, tf.uint8, fixed_length=HEADER_BYTES)


def unsigned(data, big_endian=False):
    """Reads uint8 bytes as an unsigned number: scalar int64."""
    if big_endian:
        data = data[::-1]
    weights = 256 ** tf.range(tf.size(data, tf.int64))
    return tf.reduce_sum(tf.cast(data, tf.int64) * weights)
