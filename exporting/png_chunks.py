"""A PNG's chunks, walked before anything is decoded; only those that hold the picture are kept.

The decoder would inflate every compressed text and colour profile of a file, to up to 8 MB each,
and keep them all in memory. They do not affect any pixel, so they are not passed to it.
"""

import tensorflow as tf

from exporting.picture_rules import checked, header, rule, size_rule, unsigned

IHDR = b"\x00\x00\x00\x0dIHDR"  # length and type of the first chunk, which has the size
SIGNATURE_BYTES = 8
MAX_CHUNKS = 2**13  # 64 MB in chunks of 8 KB, as libpng writes; walking them takes half a second
# How many more bytes compressed pixels may have than plain ones: for the compression's blocks, the
# rows of an interlaced picture, and encoders that flush after each row.
SPARE_BYTES = 2**16
CHANNELS = (1, 1, 3, 1, 2, 1, 4, 1)  # by colour type


def read_png(contents):
    """Checks a still PNG; an animated one (APNG) is refused.

    Returns:
        A `Checked` whose contents lack the ancillary chunks.
    """
    head = header(contents)
    kind, chunks, compressed, kept = _walk(contents)
    height = unsigned(head[20:24], big_endian=True)
    width = unsigned(head[16:20], big_endian=True)
    # The decoder takes the size from IHDR wherever it is; if it is first, both read the same.
    begins_with_size = tf.reduce_all(head[8:16] == tf.constant(list(IHDR), tf.uint8))
    depth_and_colour = tf.cast(head[24:26], tf.int64)
    bits = depth_and_colour[0] * tf.gather(tf.constant(CHANNELS, tf.int64), depth_and_colour[1] % 8)
    # The decoder inflates all of the data, up to a thousandfold, whatever the size says.
    limit = height * (width * bits // 8 + 2) * 9 // 8 + SPARE_BYTES
    rules = (
        rule(kind != b"acTL", "must not be animated. Received an animated PNG"),
        rule(
            (kind == b"IEND") | (chunks < MAX_CHUNKS),
            f"must be a PNG of at most {MAX_CHUNKS} chunks. Received more",
        ),
        rule(
            kind == b"IEND",
            "must be a complete PNG. Received one that ends before its IEND chunk",
        ),
        rule(begins_with_size, "must be a PNG whose first chunk is IHDR, of 13 bytes"),
        size_rule(height, width),
        rule(
            compressed <= limit,
            "must not have more compressed pixel data than pixels. Received, allowed bytes:",
            compressed,
            limit,
        ),
    )
    return checked(rules, height, width, kept)


def _walk(contents):
    """Returns the last chunk's type, how many chunks and bytes of pixels, and the kept file."""
    data = tf.io.decode_raw(contents, tf.uint8)
    length = tf.size(data)
    pieces = tf.TensorArray(tf.string, 1, dynamic_size=True, element_shape=())
    pieces = pieces.write(0, tf.strings.substr(contents, 0, SIGNATURE_BYTES))

    def more(position, kind, *_):
        return (position <= length - 12) & (kind != b"IEND") & (kind != b"acTL")

    def body(position, _, chunks, compressed, pieces):
        size = unsigned(data[position : position + 4], big_endian=True)
        whole = size <= tf.cast(length - position - 12, tf.int64)
        size = tf.cast(tf.where(whole, size, 0), tf.int32)
        kind = tf.where(whole, tf.strings.substr(contents, position + 4, 4), "")
        # A lower-case first letter marks what a decoder may skip.
        needed = whole & (data[position + 4] < ord("a"))
        piece = tf.strings.substr(contents, position, tf.where(needed, size + 12, 0))
        compressed += tf.where(kind == b"IDAT", tf.cast(size, tf.int64), 0)
        position = tf.where(whole, position + size + 12, length)
        return position, kind, chunks + 1, compressed, pieces.write(chunks + 1, piece)

    _, kind, chunks, compressed, pieces = tf.while_loop(
        more,
        body,
        (SIGNATURE_BYTES, "", 0, tf.constant(0, tf.int64), pieces),
        maximum_iterations=MAX_CHUNKS,
    )
    return kind, chunks, compressed, tf.strings.reduce_join(pieces.stack())
