"""A JPEG's segments, walked before anything is decoded, to find its size and count its scans."""

import tensorflow as tf

from exporting.picture_rules import checked, rule, size_rule, unsigned

# A scan of a few bytes visits every pixel: 15 ms for 2**24 of them. Encoders write about 10.
MAX_SCANS = 64
MAX_SEGMENTS = 2**10
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# Frames whose data is arithmetic-coded; their scans may take arbitrarily long for a few bytes.
ARITHMETIC = (0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, *ARITHMETIC)


def read_jpeg(contents):
    """Checks a JPEG; returns a `Checked`."""
    segments, scans, arithmetic, size = _walk(contents)
    rules = (
        rule(
            segments < MAX_SEGMENTS,
            f"must be a JPEG of fewer than {MAX_SEGMENTS} segments. Received more",
        ),
        rule(scans <= MAX_SCANS, f"must be a JPEG of at most {MAX_SCANS} scans. Received more"),
        rule(~arithmetic, "must be a Huffman-coded JPEG. Received an arithmetic-coded one"),
        rule(size[0] >= 0, "must be a whole JPEG. Received one without a size"),
        size_rule(*tf.unstack(size)),
    )
    return checked(rules, *tf.unstack(size), contents)


def _walk(contents):
    """Counts segments and scans, finds out whether a frame is arithmetic-coded, and its size.

    The size is int64 `(2,)`, height and width by the first frame; −1 if there is none.
    """
    markers = _markers(tf.io.decode_raw(contents, tf.uint8))

    def body(at, segments, scans, arithmetic, size):
        position = markers[at]
        segment = tf.io.decode_raw(
            tf.strings.substr(contents, position, 9), tf.uint8, fixed_length=9
        )
        code = tf.cast(segment[1], tf.int32)
        # As the decoder does, whether or not there are pixels before the next segment.
        after = position + 2 + unsigned(segment[2:4], big_endian=True)
        at = tf.where(code == END_OF_IMAGE, tf.size(markers), tf.searchsorted(markers, [after])[0])
        found = tf.stack(
            [unsigned(segment[place : place + 2], big_endian=True) for place in (5, 7)]
        )
        is_first_frame = tf.reduce_any(code == FRAMES) & (size[0] < 0)
        return (
            at,
            segments + 1,
            scans + tf.cast(code == START_OF_SCAN, tf.int32),
            arithmetic | tf.reduce_any(code == ARITHMETIC),
            tf.where(is_first_frame, found, size),
        )

    _, *result = tf.while_loop(
        lambda at, _, scans, *__: (at < tf.size(markers)) & (scans <= MAX_SCANS),
        body,
        (0, 0, 0, False, tf.constant([-1, -1], tf.int64)),
        maximum_iterations=MAX_SEGMENTS,
    )
    return result


def _markers(data):
    """Returns the positions of markers that have a segment of their own, or end the picture."""
    code = data[1:]
    # The others are padding, pixels of that value, restarts between pixels and the file's start.
    alone = (code <= 1) | ((code >= 0xD0) & (code <= 0xD8)) | (code == 0xFF)
    return tf.where((data[:-1] == 0xFF) & ~alone)[:, 0]
