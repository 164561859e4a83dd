"""The zoo with a few channels in each net: the same layers and recipes, trained in no time."""

import dataclasses
import functools
import types
from collections.abc import Sequence

import keras

import keypoint_schema
import models
from models import heatmap_nets


def convolutional(num_keypoints: int, dropout: Sequence[float] | None = None, name: str = "net2"):
    """Layers with the names that net2 to net7 give theirs."""
    images = keras.Input(keypoint_schema.IMAGE_SHAPE, name="images")
    x = keras.layers.Rescaling(1 / 255, name="scale")(images)
    for block in (1, 2, 3):
        x = keras.layers.Conv2D(4, 2, activation="relu", name=f"conv{block}")(x)
        x = keras.layers.MaxPooling2D(3, name=f"pool{block}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout[block - 1], name=f"dropout{block}")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(8, activation="relu", name="hidden4")(x)
    if dropout:
        x = keras.layers.Dropout(dropout[3], name="dropout4")(x)
    x = keras.layers.Dense(8, activation="relu", name="hidden5")(x)
    x = keras.layers.Dense(num_keypoints * 2, dtype="float32", name="output")(x)
    outputs = keras.layers.Reshape((num_keypoints, 2), dtype="float32", name="keypoints")(x)
    return keras.Model(images, outputs, name=name)


_heatmap = functools.partial(
    heatmap_nets.heatmap, filters=(4, 4, 4), blocks=(1, 1, 1), pyramid_filters=4
)
_dropping = functools.partial(convolutional, dropout=(0.1, 0.2, 0.3, 0.5))
_BUILDERS = {
    "net1": models.find("net1").builder,
    **dict.fromkeys(("net2", "net3", "net4", "net5"), convolutional),
    **dict.fromkeys(("net6", "net7"), _dropping),
    **dict.fromkeys(("heatmap_s", "heatmap_m", "heatmap_l"), _heatmap),
}


def put_into_zoo(monkeypatch):
    """Gives every net of the zoo its narrow builder."""
    narrow = {
        name: dataclasses.replace(entry, builder=_BUILDERS[name])
        for name, entry in models.ZOO.items()
    }
    for module in (models, models.zoo):
        monkeypatch.setattr(module, "ZOO", types.MappingProxyType(narrow))
