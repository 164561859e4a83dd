"""Picture files of any size to 96×96 gray faces, inside the graph.

The steps are Pillow's `convert("L")`, `convert("F")` and `resize((96, 96), BILINEAR)`, so that a
face gives the same answer whether a server or a Python program decoded it. Nothing is rounded after
the resize: a gray value on the brink would tip over with the last bit, and move a keypoint by some
hundredths of a pixel.
"""

import tensorflow as tf

from exporting import picture_headers as headers
from keypoint_schema import IMAGE_SIZE

# How many pictures of one request are decoded at a time; bounds memory, see MAX_PIXELS.
PARALLEL_PICTURES = 4


def decode_faces(image_bytes):
    """Decodes, grays and resizes a batch of picture files.

    Args:
        image_bytes: string `(batch,)`: PNG, JPEG, BMP or GIF files, of one size or of many.

    Returns:
        faces: float32 `(batch, 96, 96, 1)`, gray 0–255.
        sizes: float32 `(batch, 2)`, width and height in px of each picture as sent.

    Raises:
        tf.errors.InvalidArgumentError: when run, if a file is broken, animated, too large or in
            another format.
    """

    def one(item):
        contents, index = item
        rgb, size = decode_rgb(contents, index)
        return resize_to_face(to_gray(rgb)), tf.cast(size[::-1], tf.float32)

    return tf.map_fn(
        one,
        (image_bytes, tf.range(tf.size(image_bytes))),
        fn_output_signature=(
            tf.TensorSpec((IMAGE_SIZE, IMAGE_SIZE, 1), tf.float32),
            tf.TensorSpec((2,), tf.float32),
        ),
        parallel_iterations=PARALLEL_PICTURES,
    )


def decode_rgb(contents, index):
    """One file's pixels, uint8 `(height, width, 3)`, and its `(height, width)` int64.

    Transparency is dropped and 16 bits become 8 by dropping the low byte, as in Pillow. An EXIF
    orientation is not applied: coordinates are those of the stored pixels.
    """

    def branch(check, decode):
        def run():
            checked = check(contents, index)
            size, more = (checked[0], checked[1:]) if isinstance(checked, tuple) else (checked, ())
            with tf.control_dependencies([size]):
                return decode(tf.identity(contents), *more), size

        return run

    branches = {
        headers.UNKNOWN: branch(headers.unknown_size, _no_pixels),
        headers.PNG: branch(headers.png_size, _decode_png),
        headers.JPEG: branch(headers.jpeg_size, _decode_jpeg),
        headers.BMP: branch(headers.bmp_size, _decode_bmp),
        headers.GIF: branch(headers.gif_size, _decode_gif),
    }
    rgb, size = tf.switch_case(headers.read_format(contents), branches)
    return tf.ensure_shape(rgb, (None, None, 3)), tf.ensure_shape(size, (2,))


def to_gray(rgb):
    """ITU-R 601 luma of uint8 `(height, width, 3)`, rounded as Pillow rounds: uint8 `(h, w, 1)`.

    Every product and sum is a whole number below 2**24, so float32 is exact.
    """
    red, green, blue = (tf.cast(rgb[..., i : i + 1], tf.float32) for i in range(3))
    luma = red * 19595.0 + green * 38470.0 + blue * 7471.0
    return tf.cast(tf.floor((luma + 32768.0) / 65536.0), tf.uint8)


def resize_to_face(gray):
    """Resizes uint8 `(height, width, 1)` to float32 `(96, 96, 1)` with an antialiased triangle."""
    face = tf.image.resize(gray, (IMAGE_SIZE, IMAGE_SIZE), method="bilinear", antialias=True)
    return tf.ensure_shape(face, (IMAGE_SIZE, IMAGE_SIZE, 1))


# A decoder's own error names the node, so the nodes are named for the rule.
def _decode_png(contents):
    return tf.io.decode_png(contents, channels=3, name="picture_must_be_a_whole_PNG")


def _decode_jpeg(contents):
    return tf.io.decode_jpeg(
        contents,
        channels=3,
        dct_method="INTEGER_ACCURATE",  # Pillow's; the default may be the fast one
        name="picture_must_be_a_whole_JPEG",
    )


def _decode_gif(contents):
    return tf.io.decode_gif(contents, name="picture_must_be_a_whole_GIF")[0]


def _decode_bmp(contents, bits):
    def decode(channels):
        return tf.io.decode_bmp(contents, channels=channels, name="picture_must_be_a_whole_BMP")

    def through_palette():  # the decoder gives palette indices for gray values
        head = tf.io.decode_raw(contents, tf.uint8, fixed_length=headers.HEADER_BYTES)
        pixels_start = tf.bitcast(head[10:14], tf.int32)
        start = 14 + tf.bitcast(head[14:18], tf.int32)
        table = tf.io.decode_raw(tf.strings.substr(contents, start, pixels_start - start), tf.uint8)
        blue_green_red = tf.reshape(table[: tf.size(table) // 4 * 4], (-1, 4))
        return tf.gather(blue_green_red[:, 2::-1], tf.cast(decode(0)[..., 0], tf.int32))

    return tf.case(
        [(bits == 8, through_palette), (bits == 32, lambda: decode(4)[..., :3])],
        default=lambda: decode(3),
    )


def _no_pixels(_):
    return tf.zeros((1, 1, 3), tf.uint8)
