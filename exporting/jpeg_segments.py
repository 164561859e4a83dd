"""A JPEG's segments, walked before anything is decoded, to find its size and count its scans."""

import tensorflow as tf

from exporting.picture_rules import checked, rule, size_rule, unsigned

# A scan of a few bytes visits every pixel: 20 ms for 2**24 of them. Encoders write about 10, or 18
# for CMYK. With up to 64 of them, `serve_photo` took longer than 2 s.
MAX_SCANS = 32
MAX_SEGMENTS = 2**10
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# Frames whose data is arithmetic-coded; their scans may take arbitrarily long for a few bytes.
ARITHMETIC = (0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, *ARITHMETIC)
CMYK = 4  # components
START = b"\xff\xd8"
# Says that the four are cyan, magenta, yellow and black, and that 255 means no ink.
ADOBE = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\0"


def read_jpeg(contents):
    """Checks a JPEG; returns a `Checked`."""
    segments, scans, arithmetic, frame = _walk(contents)
    height, width, components = tf.unstack(frame)
    rules = (
        rule(
            segments < MAX_SEGMENTS,
            f"must be a JPEG of fewer than {MAX_SEGMENTS} segments. Received more",
        ),
        rule(scans <= MAX_SCANS, f"must be a JPEG of at most {MAX_SCANS} scans. Received more"),
        rule(~arithmetic, "must be a Huffman-coded JPEG. Received an arithmetic-coded one"),
        rule(height >= 0, "must be a whole JPEG. Received one without a size"),
        size_rule(height, width),
    )
    # Without such a segment, the decoder, unlike Pillow, would take 255 for all ink. If the picture
    # has one, it comes later, and the later one counts.
    contents = tf.cond(
        components == CMYK,
        lambda: tf.strings.join([START + ADOBE, tf.strings.substr(contents, len(START), -1)]),
        lambda: contents,
    )
    return checked(rules, height, width, contents)


def _walk(contents):
    """Counts segments and scans, finds out whether a frame is arithmetic-coded, reads the first.

    It is int64 `(3,)`: its height, width and number of components; −1 if there is none.
    """
    markers = _markers(tf.io.decode_raw(contents, tf.uint8))

    def body(at, segments, scans, arithmetic, frame):
        position = markers[at]
        segment = tf.io.decode_raw(
            tf.strings.substr(contents, position, 10), tf.uint8, fixed_length=10
        )
        code = tf.cast(segment[1], tf.int32)
        # As the decoder does, whether or not there are pixels before the next segment.
        after = position + 2 + unsigned(segment[2:4], big_endian=True)
        at = tf.where(code == END_OF_IMAGE, tf.size(markers), tf.searchsorted(markers, [after])[0])
        parts = tf.split(segment[5:], (2, 2, 1))
        found = tf.stack([unsigned(part, big_endian=True) for part in parts])
        is_first_frame = tf.reduce_any(code == FRAMES) & (frame[0] < 0)
        return (
            at,
            segments + 1,
            scans + tf.cast(code == START_OF_SCAN, tf.int32),
            arithmetic | tf.reduce_any(code == ARITHMETIC),
            tf.where(is_first_frame, found, frame),
        )

    _, *result = tf.while_loop(
        lambda at, _, scans, *__: (at < tf.size(markers)) & (scans <= MAX_SCANS),
        body,
        (0, 0, 0, False, tf.constant([-1, -1, -1], tf.int64)),
        maximum_iterations=MAX_SEGMENTS,
    )
    return result


def _markers(data):
    """Returns the positions of markers that have a segment of their own, or end the picture."""
    code = data[1:]
    # The others are padding, pixels of that value, restarts between pixels and the file's start.
    alone = (code <= 1) | ((code >= 0xD0) & (code <= 0xD8)) | (code == 0xFF)
    return tf.where((data[:-1] == 0xFF) & ~alone)[:, 0]
