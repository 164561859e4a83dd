"""LiteRT (formerly TensorFlow Lite) files: float32, float16 and int8, run by its interpreter."""

import importlib.util
import re
import warnings

import numpy as np
import tensorflow as tf

import tensorflow_start

# What the libraries print at any log level: the settings of the int8 conversion, and how the
# interpreter computes.
_NOISE = re.compile(rb"fully_quantize: .*|INFO: Created TensorFlow Lite XNNPACK delegate.*")


def is_installed():
    """Returns whether the extra `litert` is installed."""
    return importlib.util.find_spec("ai_edge_litert") is not None


def write(saved_model, folder, stem, calibration):
    """Converts `serving_default` three times; returns `{name: path}`.

    All take and return float32. float16 halves the stored weights; int8 also computes in 8 bits.

    Args:
        saved_model: a SavedModel folder.
        folder: where the files go.
        stem: what their names begin with.
        calibration: float32 `(N, 96, 96, 1)`, faces that set the ranges of int8.
    """
    files = {}
    for numbers in ("float32", "float16", "int8"):
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(saved_model), signature_keys=["serving_default"]
        )
        if numbers != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if numbers == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if numbers == "int8":
            converter.representative_dataset = lambda: (
                {"images": face[np.newaxis]} for face in calibration
            )
        path = folder / f"{stem}_{numbers}.tflite"
        with warnings.catch_warnings(), tensorflow_start.without_lines(_NOISE):
            # int8 is calibrated by tf.lite's own interpreter, which warns of its deprecation.
            warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated.*")
            path.write_bytes(converter.convert())
        files[f"LiteRT {numbers}"] = path
    return files


def load(path):
    """Returns a function from float32 `(batch, 96, 96, 1)` to keypoints in px."""
    from ai_edge_litert.interpreter import Interpreter

    with tensorflow_start.without_lines(_NOISE):
        interpreter = Interpreter(model_path=str(path))
        interpreter.allocate_tensors()  # decides how to compute, and prints that
    runner = interpreter.get_signature_runner("serving_default")
    return lambda images: runner(images=images)["keypoints"]
