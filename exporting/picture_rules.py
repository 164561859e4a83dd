"""What every check of a picture file needs: its first bytes, its size, and rules to refuse it.

A broken rule gives INVALID_ARGUMENT with the rule, what was received and which picture of the
batch it was.
"""

import tensorflow as tf

MAX_PIXELS = 2**24  # 16.8 megapixels: about 50 MB as RGB, and some 200 MB during conversion to gray
MAX_SIDE = 2**14  # px; bounds the half-resized picture, which is 96 px wide but as high as sent
HEADER_BYTES = 70  # up to the colour masks of a BMP


def header(contents):
    """Returns the first bytes of a file, uint8 `(HEADER_BYTES,)`, zero past its end."""
    return tf.io.decode_raw(contents, tf.uint8, fixed_length=HEADER_BYTES)


def unsigned(data, big_endian=False):
    """Reads uint8 bytes as an unsigned number: scalar int64."""
    if big_endian:
        data = data[::-1]
    weights = 256 ** tf.range(tf.size(data, tf.int64))
    return tf.reduce_sum(tf.cast(data, tf.int64) * weights)


def checked_size(index, height, width):
    """Returns `(height, width)` int64, and refuses a picture that is too large."""
    fits = (height > 0) & (width > 0) & (height <= MAX_SIDE) & (width <= MAX_SIDE)
    text = (
        f"must have at most {MAX_PIXELS} pixels and at most {MAX_SIDE} on a side. "
        "Received width, height:"
    )
    with rules(rule(fits & (height * width <= MAX_PIXELS), index, text, width, height)):
        return tf.stack([height, width])


def rule(holds, index, text, *received):
    """Returns an assertion that refuses the picture `index` of the batch unless `holds`."""
    values = " ".join(["{}"] * len(received))
    template = f"Picture {{}} of the batch {text} {values}".rstrip()
    return tf.debugging.Assert(holds, [tf.strings.format(template, (index, *received))])


def rules(*assertions):
    """Makes the operations in its `with` block wait for the rules; decoders alone would not."""
    return tf.control_dependencies(assertions)
