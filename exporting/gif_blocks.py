"""A GIF's blocks, walked before anything is decoded."""

import tensorflow as tf

from exporting.picture_rules import checked, header, rule, size_rule, unsigned

# Steps of a walk over a whole file, including comments: a quarter of a second. A step covers up to
# BLOCKS_A_STEP blocks of the same size, and nearly all blocks of a file have the same size.
MAX_STEPS = 2**13
BLOCKS_A_STEP = 2**8
EXTENSION, FRAME, TRAILER = 0x21, 0x2C, 0x3B


def read_gif(contents):
    """Checks a GIF with one frame that fills its canvas; returns a `Checked`."""
    head = header(contents)
    end, steps, frames, first = _walk(tf.io.decode_raw(contents, tf.uint8))
    frame = tf.io.decode_raw(
        tf.strings.substr(contents, tf.minimum(first, tf.strings.length(contents)), 9),
        tf.uint8,
        fixed_length=9,
    )
    corner, canvas = frame[1:5], head[6:10]
    height, width = unsigned(canvas[2:4]), unsigned(canvas[0:2])
    rules = (
        rule(
            steps < MAX_STEPS,
            f"must be a GIF whose blocks are walked in fewer than {MAX_STEPS} steps. "
            "Received too many small ones",
        ),
        rule(frames < 2, "must not be animated. Received a GIF with several frames"),
        rule(
            (frames == 1) & (end == TRAILER),
            "must be a complete GIF. Received one without a whole frame",
        ),
        rule(
            tf.reduce_all(corner == 0) & tf.reduce_all(frame[5:9] == canvas),
            "must be a GIF whose frame fills its canvas. Received a smaller or larger frame",
        ),
        size_rule(height, width),
    )
    return checked(rules, height, width, contents)


def _walk(data):
    """Returns the byte where the walk ends, counts of steps and frames, and the first frame."""
    length = tf.size(data)

    def byte(position):  # zero past the end
        value = data[tf.minimum(position, length - 1)]
        return tf.where(position < length, tf.cast(value, tf.int32), 0)

    def colour_table(flags):
        return tf.where(flags >= 128, 3 * tf.bitwise.left_shift(2, flags % 8), 0)

    def over_blocks(position, steps):
        stride = byte(position) + 1
        alike = data[position : position + stride * BLOCKS_A_STEP : stride] == data[position]
        blocks = tf.reduce_sum(tf.math.cumprod(tf.cast(alike, tf.int32)))
        return position + blocks * stride, steps + 1

    def more(position, steps, frames, _):
        kind = byte(position)
        return ((kind == EXTENSION) | (kind == FRAME)) & (frames < 2) & (steps < MAX_STEPS)

    def body(position, steps, frames, first):
        is_frame = byte(position) == FRAME
        after_frame = position + 11 + colour_table(byte(position + 9))
        frames += tf.cast(is_frame, tf.int32)
        first = tf.where(is_frame & (frames == 1), position, first)
        position, steps = tf.while_loop(
            lambda position, steps: (byte(position) > 0) & (steps < MAX_STEPS),
            over_blocks,
            (tf.where(is_frame, after_frame, position + 2), steps + 1),
        )
        return position + 1, steps, frames, first

    start = 13 + colour_table(byte(10))
    position, steps, frames, first = tf.while_loop(more, body, (start, 0, 0, 0))
    return byte(position), steps, frames, first
