"""Checks on a picture's first bytes: its format, and all that is checked about a BMP."""

import tensorflow as tf

from exporting.picture_rules import checked, header, rule, size_rule, unsigned

UNKNOWN, PNG, JPEG, BMP, GIF = range(5)
NAMES = ("", "PNG", "JPEG", "BMP", "GIF")


def read_format(contents):
    """Detects the file format from the first bytes.

    Args:
        contents: scalar string, the file.

    Returns:
        Scalar int32: `PNG`, `JPEG`, `BMP`, `GIF` or `UNKNOWN`.
    """
    head = header(contents)

    def begins(magic):
        return tf.reduce_all(head[: len(magic)] == tf.constant(list(magic), tf.uint8))

    known = (
        (PNG, begins(b"\x89PNG\r\n\x1a\n")),
        (JPEG, begins(b"\xff\xd8\xff")),
        (BMP, begins(b"BM")),
        (GIF, begins(b"GIF87a") | begins(b"GIF89a")),
    )
    return tf.add_n([tf.where(found, number, 0) for number, found in known])


def read_bmp(contents):
    """Checks an uncompressed BMP of 8, 24 or 32 bits; returns a `Checked`."""
    head = header(contents)
    bits = unsigned(head[28:30])
    compression = unsigned(head[30:34])
    header_size = unsigned(head[14:18])
    palette_start, pixels_start = 14 + header_size, unsigned(head[10:14])
    # Compression 3 means that masks say where red, green and blue are; these are the usual ones.
    usual_masks = tf.constant([0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0], tf.uint8)
    plain = (compression == 0) | (
        (compression == 3) & (bits == 32) & tf.reduce_all(head[54:66] == usual_masks)
    )
    width = tf.cast(tf.bitcast(head[18:22], tf.int32), tf.int64)
    # A negative height means that the rows go from top to bottom.
    height = tf.abs(tf.cast(tf.bitcast(head[22:26], tf.int32), tf.int64))
    rules = (
        rule(header_size >= 40, "must be a Windows BMP. Received an older header"),
        rule(
            plain & ((bits == 8) | (bits == 24) | (bits == 32)),
            "must be an uncompressed BMP of 8, 24 or 32 bits. Received bits, compression:",
            bits,
            compression,
        ),
        rule(
            (palette_start <= pixels_start)
            & (pixels_start <= tf.cast(tf.strings.length(contents), tf.int64)),
            "must be a BMP whose pixels follow its header. Received offsets of palette, pixels:",
            palette_start,
            pixels_start,
        ),
        size_rule(height, width),
    )
    return checked(rules, height, width, contents, (bits, palette_start, pixels_start))


def refuse_unknown(contents):
    """Refuses a file in none of the four formats; returns a `Checked`."""
    unknown = rule(
        tf.constant(False),
        "must be a PNG, JPEG, BMP or GIF file. Received another format; its length in bytes:",
        tf.strings.length(contents),
    )
    nothing = tf.constant(0, tf.int64)
    return checked([unknown], nothing, nothing, contents)
