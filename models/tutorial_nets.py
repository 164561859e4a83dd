"""The nets of Daniel Nouri's 2014 tutorial, layer by layer, under the tutorial's layer names.

Source: https://danielnouri.org/notes/2014/12/17/using-convolutional-neural-nets-to-detect-facial-keypoints-tutorial/
"""

from collections.abc import Sequence

import keras

import keypoint_schema


def single_hidden_layer(num_keypoints: int, hidden_units: int = 100, name: str = "net1"):
    """Builds net1: pixels, one hidden layer, coordinates.

    Args:
        num_keypoints: K.
        hidden_units: size of the hidden layer.
        name: the model's name.

    Returns:
        A functional model from images `(batch, 96, 96, 1)`, 0–255, to normalized keypoints
        `(batch, K, 2)`, float32.
    """
    images = _input()
    x = keras.layers.Flatten(name="flatten")(_scale(images))
    x = keras.layers.Dense(hidden_units, activation="relu", name="hidden")(x)
    return keras.Model(images, _output(x, num_keypoints), name=name)


def convolutional(
    num_keypoints: int,
    hidden_units: int = 500,
    dropout: Sequence[float] | None = None,
    name: str = "net2",
):
    """Builds net2 to net7: three convolutions with 2×2 max pooling, two hidden layers.

    Args:
        num_keypoints: K.
        hidden_units: size of each of the hidden layers.
        dropout: rates after pool1, pool2, pool3 and hidden4 (net6, net7), or None.
        name: the model's name.

    Returns:
        A functional model, as from `single_hidden_layer`.
    """
    images = _input()
    x = _scale(images)
    for block, (filters, kernel_size) in enumerate(((32, 3), (64, 2), (128, 2)), start=1):
        x = keras.layers.Conv2D(filters, kernel_size, activation="relu", name=f"conv{block}")(x)
        x = keras.layers.MaxPooling2D(2, name=f"pool{block}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout[block - 1], name=f"dropout{block}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(hidden_units, activation="relu", name="hidden4")(x)
    if dropout:
        x = keras.layers.Dropout(dropout[3], name="dropout4")(x)
    x = keras.layers.Dense(hidden_units, activation="relu", name="hidden5")(x)
    return keras.Model(images, _output(x, num_keypoints), name=name)


def _input():
    return keras.Input(keypoint_schema.IMAGE_SHAPE, name="images")


def _scale(images):
    return keras.layers.Rescaling(1 / 255, name="scale")(images)


def _output(x, num_keypoints):
    # float32 even under a mixed policy: bfloat16 would round coordinates to a quarter of a pixel.
    x = keras.layers.Dense(num_keypoints * 2, dtype="float32", name="output")(x)
    return keras.layers.Reshape((num_keypoints, 2), dtype="float32", name="keypoints")(x)
