"""ONNX files, written by tf2onnx and run by ONNX Runtime."""

import importlib.util

import tensorflow as tf

OPSET = 18


def is_installed():
    """Returns whether the extra `onnx` is installed."""
    return all(importlib.util.find_spec(name) for name in ("tf2onnx", "onnx", "onnxruntime"))


def write(saved_model, folder, stem, calibration):
    """Converts `serving_default`; returns `{name: path}`.

    Args:
        saved_model: a SavedModel folder.
        folder: where the file goes.
        stem: its name without `.onnx`.
        calibration: not needed for float32.
    """
    import tf2onnx

    loaded = tf.saved_model.load(str(saved_model))
    signature = loaded.signatures["serving_default"]
    (spec,) = signature.structured_input_signature[1].values()
    function = tf.function(
        lambda images: signature(images=images), input_signature=[spec], autograph=False
    )
    path = folder / f"{stem}.onnx"
    tf2onnx.convert.from_function(function, [spec], opset=OPSET, output_path=str(path))
    return {"ONNX float32": path}


def load(path):
    """Returns a function from float32 `(batch, 96, 96, 1)` to keypoints in px."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda images: session.run(["keypoints"], {"images": images})[0]
