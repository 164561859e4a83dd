"""Warm-up requests that TensorFlow Serving replays before a version takes traffic.

The first run of a signature optimizes its graph, and the first run at a batch size prepares its
kernels; a warmed-up server has already done both. A record that fails makes the server refuse the
whole version, so `replay_warm_up` runs each of them before the version is published.
"""

import pathlib

import numpy as np
import tensorflow as tf

from exporting.example_photograph import example_photograph
from exporting.photo_endpoint import SERVE_PHOTO
from keypoint_schema import IMAGE_SHAPE

try:
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2
except ImportError:  # the extra `serving` is not installed
    predict_pb2 = prediction_log_pb2 = None

FILE = pathlib.PurePath("assets.extra", "tf_serving_warmup_requests")
BATCH_SIZES = (1, 2, 4, 8, 16, 32)  # allowed_batch_sizes in serving/batching_parameters.txt
GRAY = 128  # of 255


def can_write_warm_up():
    """Returns whether `tensorflow-serving-api`, which has the records' protos, is installed."""
    return prediction_log_pb2 is not None


def write_warm_up(folder, model_name, photo=False):
    """Writes one record for each signature and batch size; returns how many.

    Args:
        folder: a SavedModel.
        model_name: the name in `serving/models.config`.
        photo: whether it has `serve_photo`.
    """
    path = pathlib.Path(folder) / FILE
    path.parent.mkdir(exist_ok=True)
    count = 0
    with tf.io.TFRecordWriter(str(path)) as writer:
        for batch in BATCH_SIZES:
            for signature, (name, tensor) in _inputs(batch, photo).items():
                request = predict_pb2.PredictRequest()
                request.model_spec.name = model_name
                request.model_spec.signature_name = signature
                request.inputs[name].CopyFrom(tensor)
                log = prediction_log_pb2.PredictLog(request=request)
                record = prediction_log_pb2.PredictionLog(predict_log=log)
                writer.write(record.SerializeToString(deterministic=True))
                count += 1
    return count


def replay_warm_up(folder, saved):
    """Runs every record of a SavedModel, if it has any; returns how many.

    Args:
        folder: the SavedModel.
        saved: a `session.SignatureRunner` on it.

    Raises:
        RuntimeError: if an answer lacks a row per picture, is not finite or refuses a picture; also
            whatever the runtime raises if a request fails.
    """
    path = pathlib.Path(folder) / FILE
    if not path.exists():
        return 0
    count = 0
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        (batch,) = {len(value) for value in inputs.values()}
        signature = request.model_spec.signature_name
        answer = saved.run(signature, **inputs)
        # The message of a refused picture says more than its NaN, so it comes first.
        for name, value in sorted(answer.items(), key=lambda output: output[0] != "error"):
            is_good = not any(value) if name == "error" else np.isfinite(value).all()
            if len(value) != batch or not is_good:
                raise RuntimeError(
                    f"Warm-up of {signature} at batch {batch} failed: {name} is {value}."
                )
        count += 1
    return count


def _inputs(batch, photo):
    shape = (batch, *IMAGE_SHAPE)
    # A TensorProto with one value stands for a tensor filled with it: bytes instead of megabytes.
    gray = tf.make_tensor_proto(GRAY, tf.float32, shape)
    face = np.full(shape[1:], GRAY, np.uint8)
    files = [tf.io.encode_png(face).numpy(), tf.io.encode_jpeg(face).numpy()]
    inputs = {
        "serving_default": ("images", gray),
        "serve_uint8": ("images", tf.make_tensor_proto(GRAY, tf.uint8, shape)),
        "serve_bytes": (
            "image_bytes",
            tf.make_tensor_proto([files[index % 2] for index in range(batch)], tf.string),
        ),
        "serve_named": ("images", gray),
    }
    if photo:
        photograph = tf.io.encode_jpeg(example_photograph()).numpy()
        inputs[SERVE_PHOTO] = "image_bytes", tf.make_tensor_proto([photograph] * batch, tf.string)
    return inputs
