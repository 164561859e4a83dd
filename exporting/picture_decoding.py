"""Converts picture files of any size to 96×96 gray faces, inside the graph.

The steps are Pillow's `convert("L")`, `convert("F")` and `resize((96, 96), BILINEAR)`, so that a
face gives the same answer whether a server or a Python program decoded it. Nothing is rounded after
the resize: a gray value near a rounding boundary would change with the last bit, and move a
keypoint by some hundredths of a pixel.
"""

import tensorflow as tf

from exporting import picture_headers as headers
from exporting.gif_blocks import read_gif
from exporting.jpeg_segments import read_jpeg
from exporting.png_chunks import read_png
from keypoint_schema import IMAGE_SIZE

# How many pictures of one request are decoded at a time; with MAX_PIXELS, this bounds memory.
PARALLEL_PICTURES = 4


def decode_faces(image_bytes):
    """Decodes a batch of picture files, and converts them to gray faces.

    Args:
        image_bytes: string `(batch,)`: PNG, JPEG, BMP or GIF files, of one size or of many.

    Returns:
        faces: float32 `(batch, 96, 96, 1)`, gray 0–255.
        sizes: float32 `(batch, 2)`, width and height in px of each picture as sent.

    Raises:
        tf.errors.InvalidArgumentError: when run, if a file is broken, animated, too large, in
            another format, or would take the decoder too long.
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
    """Decodes one file to uint8 `(height, width, 3)`; returns its `(height, width)` int64 too.

    Transparency is dropped and 16 bits become 8 by dropping the low byte, as in Pillow. An EXIF
    orientation is not applied: coordinates are those of the stored pixels.
    """

    def branch(check, decode):
        def run():
            size, *checked = check(contents, index)
            with tf.control_dependencies([size]):
                return decode(*map(tf.identity, checked)), size

        return run

    branches = {
        headers.UNKNOWN: branch(headers.refuse_unknown, _no_pixels),
        headers.PNG: branch(read_png, _decode_png),
        headers.JPEG: branch(read_jpeg, _decode_jpeg),
        headers.BMP: branch(headers.read_bmp, _decode_bmp),
        headers.GIF: branch(read_gif, _decode_gif),
    }
    rgb, size = tf.switch_case(headers.read_format(contents), branches)
    return tf.ensure_shape(rgb, (None, None, 3)), tf.ensure_shape(size, (2,))


def to_gray(rgb):
    """Returns the ITU-R 601 luma of uint8 `(h, w, 3)`, rounded as in Pillow: uint8 `(h, w, 1)`.

    Every product and sum is a whole number below 2**24, so float32 is exact.
    """
    luma = tf.constant(32768.0)
    for channel, weight in enumerate((19595.0, 38470.0, 7471.0)):
        with tf.control_dependencies([luma]):  # one colour at a time: each is as large as the sum
            luma += tf.cast(rgb[..., channel : channel + 1], tf.float32) * weight
    return tf.cast(tf.floor(luma / 65536.0), tf.uint8)


def resize_to_face(gray):
    """Resizes uint8 `(height, width, 1)` to float32 `(96, 96, 1)` with an antialiased triangle."""
    face = tf.image.resize(gray, (IMAGE_SIZE, IMAGE_SIZE), method="bilinear", antialias=True)
    return tf.ensure_shape(face, (IMAGE_SIZE, IMAGE_SIZE, 1))


# A decoder's own error names the node, so the nodes are named after the rule.
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


def _decode_bmp(contents, bits, palette_start, pixels_start):
    def decode(channels):
        return tf.io.decode_bmp(contents, channels=channels, name="picture_must_be_a_whole_BMP")

    def through_palette():  # the decoder returns palette indices as gray values
        palette = tf.strings.substr(contents, palette_start, pixels_start - palette_start)
        # Colours that the file leaves out are black, as in Pillow.
        blue_green_red = tf.reshape(
            tf.io.decode_raw(palette, tf.uint8, fixed_length=4 * 256), (256, 4)
        )
        return tf.gather(blue_green_red[:, 2::-1], tf.cast(decode(0)[..., 0], tf.int32))

    return tf.case(
        [(bits == 8, through_palette), (bits == 32, lambda: decode(4)[..., :3])],
        default=lambda: decode(3),
    )


def _no_pixels(_):
    return tf.zeros((1, 1, 3), tf.uint8)
