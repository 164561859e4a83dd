"""What a picture's first bytes say, read inside the graph before anything is decoded.

A header costs nothing to read and a decoder may be asked for gigabytes by a file of a few bytes, so
every limit is checked here. A rule that is broken gives INVALID_ARGUMENT with the rule, what was
received and which picture of the batch it was.
"""

import tensorflow as tf

MAX_PIXELS = 2**24  # 16.8 megapixels: about 50 MB as RGB, and some 250 MB while it becomes gray
MAX_SIDE = 2**14  # px; bounds the half-resized picture, which is 96 px wide but as high as sent
HEADER_BYTES = 70  # up to the colour masks of a BMP
MAX_GIF_BLOCKS = 2**16  # data blocks of up to 255 bytes; bounds the time that a walk may take
IHDR = b"\x00\x00\x00\x0dIHDR"  # length and type of a PNG's first chunk, which has its size
MAX_CHUNKS = 1024  # PNG chunks before the pixels, or GIF extensions

UNKNOWN, PNG, JPEG, BMP, GIF = range(5)


def read_format(contents):
    """Tells the file format from the first bytes.

    Args:
        contents: scalar string, the file.

    Returns:
        Scalar int32: `PNG`, `JPEG`, `BMP`, `GIF` or `UNKNOWN`.
    """
    head = _header(contents)

    def begins(magic):
        return tf.reduce_all(head[: len(magic)] == tf.constant(list(magic), tf.uint8))

    known = (
        (PNG, begins(b"\x89PNG\r\n\x1a\n")),
        (JPEG, begins(b"\xff\xd8\xff")),
        (BMP, begins(b"BM")),
        (GIF, begins(b"GIF87a") | begins(b"GIF89a")),
    )
    return tf.add_n([tf.where(found, number, 0) for number, found in known])


def png_size(contents, index):
    """`(height, width)` int64 of a still PNG; an animated one (APNG) is refused."""
    head = _header(contents)
    data = tf.io.decode_raw(contents, tf.uint8)
    length = tf.size(data)

    def body(position, _):
        kind = tf.strings.substr(contents, position + 4, 4)
        size = tf.cast(_unsigned(data[position : position + 4], big_endian=True), tf.int32)
        return position + 12 + size, kind

    def more(position, kind):
        inside = (position > 0) & (position <= length - 12)  # a length over 2**31 wraps around
        return inside & (kind != b"IDAT") & (kind != b"acTL")

    _, kind = tf.while_loop(more, body, (tf.constant(8), ""), maximum_iterations=MAX_CHUNKS)
    # The decoder takes the size from IHDR wherever it is; where it is first, both read the same.
    begins_with_size = tf.reduce_all(head[8:16] == tf.constant(list(IHDR), tf.uint8))
    with _rules(
        _rule(
            begins_with_size | (kind != b"IDAT"),  # the rules below say more of a broken file
            index,
            "must be a PNG whose first chunk is IHDR, of 13 bytes",
        ),
        _rule(kind != b"acTL", index, "must not be animated. Received an animated PNG"),
        _rule(kind == b"IDAT", index, "must be a complete PNG. Received one without pixel data"),
    ):
        return _checked_size(
            index,
            _unsigned(head[20:24], big_endian=True),
            _unsigned(head[16:20], big_endian=True),
        )


def jpeg_size(contents, index):
    """`(height, width)` int64 of a JPEG."""
    shape = tf.io.extract_jpeg_shape(contents, tf.int32, name="picture_must_be_a_whole_JPEG")
    return _checked_size(index, tf.cast(shape[0], tf.int64), tf.cast(shape[1], tf.int64))


def bmp_size(contents, index):
    """`(height, width)` int64 and the bits per pixel, 8, 24 or 32, of an uncompressed BMP."""
    head = _header(contents)
    bits = _unsigned(head[28:30])
    compression = _unsigned(head[30:34])
    # Compression 3 means that masks say where red, green and blue are; these are the usual ones.
    usual_masks = tf.constant([0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0], tf.uint8)
    plain = (compression == 0) | (
        (compression == 3) & (bits == 32) & tf.reduce_all(head[54:66] == usual_masks)
    )
    with _rules(
        _rule(
            _unsigned(head[14:18]) >= 40, index, "must be a Windows BMP. Received an older header"
        ),
        _rule(
            plain & ((bits == 8) | (bits == 24) | (bits == 32)),
            index,
            "must be an uncompressed BMP of 8, 24 or 32 bits. Received bits, compression:",
            bits,
            compression,
        ),
    ):
        width = tf.cast(tf.bitcast(head[18:22], tf.int32), tf.int64)
        # A negative height means that the rows go from top to bottom.
        height = tf.abs(tf.cast(tf.bitcast(head[22:26], tf.int32), tf.int64))
        return _checked_size(index, height, width), bits


def gif_size(contents, index):
    """`(height, width)` int64 of a GIF with one frame that fills its canvas."""
    data = tf.cast(tf.io.decode_raw(contents, tf.uint8), tf.int32)
    length = tf.size(data)
    head = _header(contents)

    def byte(position):  # zero past the end
        return tf.where(position < length, data[tf.minimum(position, length - 1)], 0)

    def colour_table(flags):
        return tf.where(flags >= 128, 3 * tf.bitwise.left_shift(2, flags % 8), 0)

    def end_of_blocks(position):
        (position,) = tf.while_loop(
            lambda position: byte(position) > 0,
            lambda position: (position + 1 + byte(position),),
            (position,),
            maximum_iterations=MAX_GIF_BLOCKS,
        )
        return position + 1

    def more(position, frames, _):
        return ((byte(position) == 0x21) | (byte(position) == 0x2C)) & (frames < 2)

    def body(position, frames, first):
        is_frame = byte(position) == 0x2C
        after_frame = position + 11 + colour_table(byte(position + 9))
        frames += tf.cast(is_frame, tf.int32)
        first = tf.where(is_frame & (frames == 1), position, first)
        return end_of_blocks(tf.where(is_frame, after_frame, position + 2)), frames, first

    start = 13 + colour_table(tf.cast(head[10], tf.int32))
    position, frames, first = tf.while_loop(
        more, body, (start, 0, 0), maximum_iterations=MAX_CHUNKS
    )
    frame = tf.io.decode_raw(
        tf.strings.substr(contents, tf.minimum(first, length), 9), tf.uint8, fixed_length=9
    )
    corner, canvas = frame[1:5], head[6:10]
    with _rules(
        _rule(frames < 2, index, "must not be animated. Received a GIF with several frames"),
        _rule(
            (frames == 1) & (byte(position) == 0x3B),
            index,
            "must be a complete GIF. Received one without a whole frame",
        ),
        _rule(
            tf.reduce_all(corner == 0) & tf.reduce_all(frame[5:9] == canvas),
            index,
            "must be a GIF whose frame fills its canvas. Received a smaller or larger frame",
        ),
    ):
        return _checked_size(index, _unsigned(canvas[2:4]), _unsigned(canvas[0:2]))


def unknown_size(contents, index):
    """Refuses a file that is none of the four formats."""
    with _rules(
        _rule(
            tf.constant(False),
            index,
            "must be a PNG, JPEG, BMP or GIF file. Received another format; its length in bytes:",
            tf.strings.length(contents),
        )
    ):
        return tf.zeros((2,), tf.int64)


def _header(contents):
    return tf.io.decode_raw(contents, tf.uint8, fixed_length=HEADER_BYTES)


def _unsigned(data, big_endian=False):
    if big_endian:
        data = data[::-1]
    weights = 256 ** tf.range(tf.size(data, tf.int64))
    return tf.reduce_sum(tf.cast(data, tf.int64) * weights)


def _checked_size(index, height, width):
    fits = (height > 0) & (width > 0) & (height <= MAX_SIDE) & (width <= MAX_SIDE)
    rule = (
        f"must have at most {MAX_PIXELS} pixels and at most {MAX_SIDE} on a side. "
        "Received width, height:"
    )
    with _rules(_rule(fits & (height * width <= MAX_PIXELS), index, rule, width, height)):
        return tf.stack([height, width])


def _rule(holds, index, rule, *received):
    values = " ".join(["{}"] * len(received))
    template = f"Picture {{}} of the batch {rule} {values}".rstrip()
    text = tf.strings.format(template, (index, *received))
    return tf.debugging.Assert(holds, [text])


def _rules(*assertions):
    # Decoders have no side effects, so nothing but a control dependency makes them wait.
    return tf.control_dependencies(assertions)
