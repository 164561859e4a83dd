"""A JPEG's segments, walked before anything is decoded, to count its scans."""

import tensorflow as tf

from exporting.picture_rules import checked_size, rule, rules

# A scan of a few bytes visits every pixel: 15 ms for 2**24 of them. Encoders write about 10.
MAX_SCANS = 64
MAX_SEGMENTS = 2**10
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# Arithmetic-coded frames, whose scans may take arbitrarily long for a few bytes.
ARITHMETIC = (0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)


def read_jpeg(contents, index):
    """Checks a JPEG; returns its `(height, width)` int64 and the file."""
    segments, scans, arithmetic = _walk(tf.io.decode_raw(contents, tf.uint8))
    with rules(
        rule(
            segments < MAX_SEGMENTS,
            index,
            f"must be a JPEG of fewer than {MAX_SEGMENTS} segments. Received more",
        ),
        rule(
            scans <= MAX_SCANS,
            index,
            f"must be a JPEG of at most {MAX_SCANS} scans. Received more",
        ),
        rule(~arithmetic, index, "must be a Huffman-coded JPEG. Received an arithmetic-coded one"),
    ):
        name = "picture_must_be_a_whole_JPEG"  # the decoder's own error names the node
        shape = tf.io.extract_jpeg_shape(tf.identity(contents), tf.int64, name=name)
        return checked_size(index, shape[0], shape[1]), contents


def _walk(data):
    """Counts segments and scans, and finds out whether a frame is arithmetic-coded."""
    markers = _markers(data)
    length = tf.size(data, tf.int64)

    def byte(position):  # zero past the end
        value = data[tf.minimum(position, length - 1)]
        return tf.where(position < length, tf.cast(value, tf.int64), 0)

    def body(at, segments, scans, arithmetic):
        position = markers[at]
        code = byte(position + 1)
        size = byte(position + 2) * 256 + byte(position + 3)
        # As the decoder does, whether or not there are pixels before the next segment.
        at = tf.searchsorted(markers, [position + 2 + size])[0]
        at = tf.where(code == END_OF_IMAGE, tf.size(markers), at)
        scans += tf.cast(code == START_OF_SCAN, tf.int32)
        return (
            at,
            segments + 1,
            scans,
            arithmetic | tf.reduce_any(code == tf.constant(ARITHMETIC, tf.int64)),
        )

    _, segments, scans, arithmetic = tf.while_loop(
        lambda at, _, scans, __: (at < tf.size(markers)) & (scans <= MAX_SCANS),
        body,
        (0, 0, 0, False),
        maximum_iterations=MAX_SEGMENTS,
    )
    return segments, scans, arithmetic


def _markers(data):
    """Returns the positions of markers that have a segment of their own, or end the picture."""
    code = data[1:]
    # The others are padding, pixels of that value, restarts between pixels and the file's start.
    alone = (code <= 1) | ((code >= 0xD0) & (code <= 0xD8)) | (code == 0xFF)
    return tf.where((data[:-1] == 0xFF) & ~alone)[:, 0]
