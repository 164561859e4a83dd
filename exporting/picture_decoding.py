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
from exporting.picture_rules import Checked
from exporting.png_chunks import read_png
from keypoint_schema import IMAGE_SHAPE, IMAGE_SIZE

# How many pictures of one request are decoded at a time; with MAX_PIXELS, this bounds memory.
PARALLEL_PICTURES = 4


def decode_faces(image_bytes):
    """Decodes a batch of picture files, and converts them to gray faces.

    A file that is refused is black and of size 0 in the result.

    Args:
        image_bytes: string `(batch,)`: PNG, JPEG, BMP or GIF files, of one size or of many.

    Returns:
        faces: float32 `(batch, 96, 96, 1)`, gray 0–255.
        sizes: float32 `(batch, 2)`, width and height in px of each picture as sent.
        errors: string `(batch,)`, the rule that a picture breaks; empty where all is well.
    """
    black = tf.zeros(IMAGE_SHAPE)
    places, faces, sizes, errors = decode_pictures(
        image_bytes, lambda rgb: resize_to_face(to_gray(rgb)), black
    )
    batch = tf.size(image_bytes, tf.int64)
    shape = [batch, *IMAGE_SHAPE]
    return tf.scatter_nd(places[:, tf.newaxis], faces, shape), sizes, errors


def decode_pictures(image_bytes, convert, nothing):
    """Decodes a batch of picture files, and converts each of them.

    A file that is broken, animated, too large, in another format, or would take the decoder too
    long is left out, with the reason in `errors`.

    Args:
        image_bytes: string `(batch,)`: PNG, JPEG, BMP or GIF files, of one size or of many.
        convert: from uint8 `(height, width, 3)` to tensors.
        nothing: such tensors, for no picture.

    Returns:
        places: int64 `(P,)`, the rows of the pictures that could be decoded.
        converted: `convert`'s tensors for these, as batches of P; ragged where their shapes vary.
        sizes: float32 `(batch, 2)`, width and height in px of each picture as sent; else zero.
        errors: string `(batch,)`, the rule that a picture breaks; empty where all is well.
    """
    formats, pictures = _check_all(image_bytes)
    places, converted = _decode_all(formats, pictures, convert, nothing)
    is_decoded = tf.scatter_nd(
        places[:, tf.newaxis], tf.ones_like(places), tf.shape(formats, tf.int64)
    )
    is_decoded = is_decoded > 0
    undecodable = tf.strings.join(
        [
            "The picture must be a whole ",
            tf.gather(headers.NAMES, formats),
            ". Received one that the decoder refuses",
        ]
    )
    errors = tf.where(is_decoded | (pictures.error != ""), pictures.error, undecodable)
    sizes = tf.where(is_decoded[:, tf.newaxis], pictures.size[:, ::-1], 0)
    return places, converted, tf.cast(sizes, tf.float32), errors


def _check_all(image_bytes):
    """Returns each picture's format, int32 `(batch,)`, and a `Checked` of batches."""

    def check(contents):
        picture_format = headers.read_format(contents)
        branches = {
            headers.UNKNOWN: lambda: headers.refuse_unknown(contents),
            headers.PNG: lambda: read_png(contents),
            headers.JPEG: lambda: read_jpeg(contents),
            headers.BMP: lambda: headers.read_bmp(contents),
            headers.GIF: lambda: read_gif(contents),
        }
        return picture_format, tf.switch_case(picture_format, branches)

    picture = Checked(
        error=tf.TensorSpec((), tf.string),
        size=tf.TensorSpec((2,), tf.int64),
        contents=tf.TensorSpec((), tf.string),
        layout=tf.TensorSpec((3,), tf.int64),
    )
    return tf.map_fn(
        check,
        image_bytes,
        fn_output_signature=(tf.TensorSpec((), tf.int32), picture),
        parallel_iterations=PARALLEL_PICTURES,
    )


def _decode_all(formats, pictures, convert, nothing):
    """Returns the places of the pictures that the decoders accept, and these converted.

    A decoder that fails would fail the whole batch. Of TensorFlow's operations, only tf.data's
    `ignore_errors` catches that, so the pictures that keep all rules go through a data set.
    """

    def decode(index):
        picture = tf.nest.map_structure(lambda batch: batch[index], pictures)
        return index, convert(decode_rgb(formats[index], picture))

    batch = tf.size(formats, tf.int64)
    sound = tf.where(pictures.error == "")[:, 0]
    decoded = tf.data.Dataset.from_tensor_slices(sound)
    decoded = decoded.map(decode, num_parallel_calls=PARALLEL_PICTURES).ignore_errors()
    # There must be one batch, even if no picture is decoded, so another one goes first.
    first = tf.data.Dataset.from_tensors((tf.constant(-1, tf.int64), nothing))
    together = first.concatenate(decoded).ragged_batch(batch + 1).get_single_element()
    return tf.nest.map_structure(lambda rows: rows[1:], together)


def decode_rgb(picture_format, picture):
    """Decodes a `Checked` picture to uint8 `(height, width, 3)`.

    Transparency is dropped and 16 bits become 8 by dropping the low byte, as in Pillow. An EXIF
    orientation is not applied: coordinates are those of the stored pixels.
    """
    branches = {
        headers.UNKNOWN: lambda: tf.zeros((1, 1, 3), tf.uint8),  # never decoded
        headers.PNG: lambda: tf.io.decode_png(picture.contents, channels=3),
        headers.JPEG: lambda: _decode_jpeg(picture),
        headers.BMP: lambda: _decode_bmp(picture),
        headers.GIF: lambda: tf.io.decode_gif(picture.contents)[0],
    }
    return tf.ensure_shape(tf.switch_case(picture_format, branches), (None, None, 3))


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
    return tf.ensure_shape(face, IMAGE_SHAPE)


def _decode_jpeg(picture):
    # The walk read the size as the decoder should; if it did not, nothing is decoded.
    shape = tf.io.extract_jpeg_shape(picture.contents, tf.int64)
    same = tf.reduce_all(shape[:2] == picture.size)
    with tf.control_dependencies([tf.debugging.Assert(same, [shape])]):
        return tf.io.decode_jpeg(
            tf.identity(picture.contents),
            channels=3,
            dct_method="INTEGER_ACCURATE",  # Pillow's; the default may be the fast one
        )


def _decode_bmp(picture):
    bits, palette_start, pixels_start = tf.unstack(picture.layout)

    def decode(channels):
        return tf.io.decode_bmp(picture.contents, channels=channels)

    def through_palette():  # the decoder returns palette indices as gray values
        palette = tf.strings.substr(picture.contents, palette_start, pixels_start - palette_start)
        # Colours that the file leaves out are black, as in Pillow.
        blue_green_red = tf.reshape(
            tf.io.decode_raw(palette, tf.uint8, fixed_length=4 * 256), (256, 4)
        )
        return tf.gather(blue_green_red[:, 2::-1], tf.cast(decode(0)[..., 0], tf.int32))

    return tf.case(
        [(bits == 8, through_palette), (bits == 32, lambda: decode(4)[..., :3])],
        default=lambda: decode(3),
    )
