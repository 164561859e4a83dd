"""Small residual nets that draw a heatmap per keypoint and answer with its soft-argmax.

A stem of two strided convolutions takes the picture to 24×24, residual stages go down to 6×6, and
a feature pyramid brings their context back to 24×24, where a heatmap per keypoint is drawn.
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
        filters: of each stage; each halves the resolution of the one before, from 24×24.
        blocks: residual blocks in each stage.
        pyramid_filters: channels of the feature pyramid.
        name: the model's.

    Returns:
        A functional model from images `(batch, 96, 96, 1)`, 0–255, to normalized keypoints
        `(batch, K, 2)`, float32.
    """
    size = keypoint_schema.IMAGE_SIZE
    images = keras.Input((size, size, 1), name="images")
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
    # float32 also under a mixed policy: the softmax needs logits that differ by little.
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
    """Two 3×3 convolutions beside a shortcut, without normalization layers.

    Batch normalization was no more accurate and costs a third of a training step; a small start of
    each branch keeps deep sums tame in its stead.
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
    """From the coarsest stage, with its mean as global context, up to the finest."""
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
        x = keras.layers.UpSampling2D(2, interpolation="bilinear", name=f"pyramid{level}_up")(x)
        lateral = _conv(stage, filters, 1, name=f"pyramid{level}_lateral")
        x = _relu(keras.layers.Add(name=f"pyramid{level}_add")([x, lateral]))
        x = keras.layers.DepthwiseConv2D(
            3, padding="same", use_bias=False, name=f"pyramid{level}_depthwise"
        )(x)
        x = _relu(_conv(x, filters, 1, name=f"pyramid{level}_conv"))
    return x
