"""Small residual nets that predict a heatmap per keypoint and return its soft-argmax.

A stem of two strided convolutions takes the picture to 24×24, residual stages go down to 6×6, and
a feature pyramid brings their context back to 24×24, where there is one heatmap per keypoint.
"""

from collections.abc import Sequence

import keras

import keypoint_schema
from models.heatmap_layers import SoftArgmax, Standardize

_STEM_FILTERS = 16
CONTEXT_LAYER = "context"  # means of the coarsest features


def heatmap(
    num_keypoints: int,
    filters: Sequence[int] = (32, 64, 128),
    blocks: Sequence[int] = (1, 2, 2),
    pyramid_filters: int = 64,
    name: str = "heatmap",
) -> keras.Model:
    """Builds a heatmap net.

    Args:
        num_keypoints: K.
        filters: channels of each stage; from 24×24, each stage halves the resolution.
        blocks: residual blocks in each stage.
        pyramid_filters: channels of the feature pyramid.
        name: the model's name.

    Returns:
        A functional model from images `(batch, 96, 96, 1)`, 0–255, to normalized keypoints
        `(batch, K, 2)`, float32.
    """
    images = keras.Input(keypoint_schema.IMAGE_SHAPE, name="images")
    x = Standardize(name="standardize")(images)
    x = _relu(_conv(x, _STEM_FILTERS, 3, strides=2, name="stem1"))
    x = _relu(_conv(x, filters[0], 3, strides=2, name="stem2"))
    stages = []
    for stage, (width, depth) in enumerate(zip(filters, blocks, strict=True), start=1):
        for block in range(1, depth + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _residual(x, width, strides, name=f"stage{stage}_block{block}")
        stages.append(x)
    x = _pyramid(stages, pyramid_filters)
    # float32 even under a mixed policy: small differences between logits matter to the softmax.
    logits = keras.layers.Conv2D(num_keypoints, 1, dtype="float32", name="output")(x)
    return keras.Model(images, SoftArgmax(name="keypoints")(logits), name=name)


def _conv(x, filters, kernel_size, name, strides=1, initializer="he_normal"):
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        kernel_initializer=initializer,
        name=name,
    )(x)


def _relu(x):
    return keras.layers.ReLU()(x)


def _residual(x, filters, strides, name):
    """Adds two 3×3 convolutions with a shortcut, without normalization layers.

    Batch normalization was no more accurate and costs a third of a training step. Instead, small
    initial weights in each branch keep deep sums under control.
    """
    small = keras.initializers.VarianceScaling(0.05, "fan_in", "truncated_normal")
    y = _relu(_conv(x, filters, 3, strides=strides, name=f"{name}_conv1"))
    y = _conv(y, filters, 3, initializer=small, name=f"{name}_conv2")
    if strides > 1:
        x = keras.layers.AveragePooling2D(strides, name=f"{name}_pool")(x)
    if x.shape[-1] != filters:
        x = _conv(x, filters, 1, name=f"{name}_shortcut")
    return _relu(keras.layers.Add(name=f"{name}_add")([x, y]))


def _pyramid(stages, filters):
    """Adds a feature pyramid, from the coarsest stage and its mean, as context, to the finest."""
    coarsest = stages[-1]
    context = keras.layers.GlobalAveragePooling2D(keepdims=True, name=CONTEXT_LAYER)(coarsest)
    x = keras.layers.Add(name="pyramid_context")(
        [
            _conv(coarsest, filters, 1, name="pyramid_top"),
            _conv(context, filters, 1, name="context_conv"),
        ]
    )
    x = _relu(x)
    for level, stage in enumerate(reversed(stages[:-1]), start=1):
        # Keras resizes in float32 and would clip what it converts back to bfloat16, which takes
        # longer than the resizing itself.
        x = keras.layers.UpSampling2D(
            2, interpolation="bilinear", dtype="float32", name=f"pyramid{level}_up"
        )(x)
        lateral = _conv(stage, filters, 1, name=f"pyramid{level}_lateral")
        x = _relu(keras.layers.Add(name=f"pyramid{level}_add")([x, lateral]))
        x = keras.layers.DepthwiseConv2D(
            3, padding="same", use_bias=False, name=f"pyramid{level}_depthwise"
        )(x)
        x = _relu(_conv(x, filters, 1, name=f"pyramid{level}_conv"))
    return x
