"""A small net with weights from a formula, and what export.py makes of it, once for all tests."""

import io

import keras
import numpy as np
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2

import keypoint_schema
from exporting import export_saved_model, write_saved_model
from exporting.publishing import published_versions
from trained_nets.trained_net import from_model

CONFIG = {
    "data": {"fingerprint": "sha256:0123", "description": "faces of a test"},
    "results": {
        "finished": True,
        "valid_rmse_px": 1.5,
        "valid_rmse_px_per_keypoint": dict.fromkeys(keypoint_schema.NAMES, 1.5),
    },
    "git_commit": "abc",
    "versions": {"keras": "3"},
}


def stand_in_model(num_keypoints=keypoint_schema.NUM_KEYPOINTS, dtype="float32"):
    """Normalized keypoints that hang on every pixel; equal on every machine, unlike random ones."""
    images = keras.Input(keypoint_schema.IMAGE_SHAPE, name="images")
    x = keras.layers.Rescaling(1 / 255, dtype=dtype)(images)
    x = keras.layers.Conv2D(4, 4, strides=4, activation="relu", name="conv1", dtype=dtype)(x)
    x = keras.layers.Flatten(dtype=dtype)(x)
    x = keras.layers.Dense(num_keypoints * 2, name="output", dtype="float32")(x)
    x = keras.layers.Reshape((num_keypoints, 2), dtype="float32")(x)
    model = keras.Model(images, x, name="stand_in")
    for weight, scale in zip(model.weights, (0.4, 0.1, 0.03, 0.5), strict=True):
        values = scale * np.sin(np.arange(1, 1 + np.prod(weight.shape)) ** 2)
        weight.assign(values.reshape(weight.shape))
    return model


def stand_in_net(names=keypoint_schema.NAMES, dtype="float32"):
    """What `load_net` gives."""
    return from_model("runs/any", stand_in_model(len(names), dtype), names, CONFIG)


def published(tmp_path_factory):
    """The exported stand-in, `<tmp>/facial_keypoints/1`, made at first use; not to be changed."""
    base = tmp_path_factory.getbasetemp() / "facial_keypoints"
    if published_versions(base):
        return base / "1"
    return export_saved_model(stand_in_net(), base).folder


def graph_functions(folder):
    """The functions in a SavedModel's graph."""
    proto = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return proto.meta_graphs[0].graph_def.library.function


def with_photo(tmp_path_factory):
    """A SavedModel of the stand-in with all five signatures and no more; not to be changed."""
    folder = tmp_path_factory.getbasetemp() / "with_photo"
    if not folder.exists():
        write_saved_model(stand_in_model(), keypoint_schema.NAMES, folder, photo=True)
    return folder


def faces(count, seed=0):
    """uint8 `(count, 96, 96, 1)` with structure at several scales."""
    random = np.random.default_rng(seed)
    size = keypoint_schema.IMAGE_SIZE
    coarse = random.integers(0, 256, (count, 8, 8, 1))
    pictures = np.kron(coarse, np.ones((1, size // 8, size // 8, 1), int))
    return np.clip(pictures + random.integers(-30, 31, pictures.shape), 0, 255).astype(np.uint8)


def colour_picture(width, height, seed=0):
    """An RGB Pillow picture, smooth with some noise."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (7, 5, 3), np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), int)
    noisy = smooth + random.integers(-12, 13, smooth.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def encode(picture, file_format, **options):
    """A Pillow picture as the bytes of a file."""
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def pillow_keypoints(model, picture):
    """The steps of `serve_bytes` in Pillow and NumPy: `(K, 2)`, px of the picture."""
    size = keypoint_schema.IMAGE_SIZE
    face = picture.convert("L").convert("F").resize((size, size), Image.Resampling.BILINEAR)
    normalized = model(np.asarray(face, np.float32)[None, ..., None], training=False)[0]
    in_face = keypoint_schema.to_pixels(np.asarray(normalized))
    return (in_face + 0.5) * np.array(picture.size) / size - 0.5
