"""The signatures, and the SavedModel that holds them."""

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from exporting.face_core import FACE_SHAPE, face_core
from exporting.photo_endpoint import SERVE_PHOTO, photo_endpoint
from exporting.picture_decoding import decode_faces
from keypoint_schema import IMAGE_SIZE

SIGNATURES = ("serving_default", "serve_uint8", "serve_bytes", "serve_named")
FROZEN_PARAMETERS = 4_000_000  # up to this many, weights are constants of the graph


def write_saved_model(model, names, folder, mirror=None, guarded=True, photo=False):
    """Writes a Keras model as a SavedModel with the signatures of `SIGNATURES`.

    The weights of a small net are frozen into the graph, where they fuse with their operations:
    heatmap_s answers in 1.31 ms at batch 1 instead of 1.63. Those of a large net stay variables:
    freezing made six net7-sized nets no faster (9.8 and 10.0 ms), and loading took 34 s and 5.9 GB
    instead of 1 s and 0.5 GB.

    Args:
        model: Keras model, float32, `(batch, 96, 96, 1)` gray 0–255 to normalized `(batch, K, 2)`.
        names: the K keypoints' names, in the order of the model's output.
        folder: where to write; it may exist, empty.
        mirror: a `keypoint_schema.Mirror`, if the graph is to average each face with its mirror
            image.
        guarded: whether the graph answers an empty batch, and answers NaN for a face with pixels
            that are not finite. A server needs both; a graph for conversion omits them, since the
            other format may lack such operations or be slower with them.
        photo: whether to add `serve_photo`, which needs the extra `detect`.
    """
    core = face_core(model, mirror)
    module = tf.Module()
    if model.count_params() <= FROZEN_PARAMETERS:
        core = _frozen(core)
    else:
        # Keras' own ExportArchive would write each weight twice (Keras 3.15), once as its variable
        # and once as TensorFlow's: twice the folder, and twice the time to load it.
        module.weights = [weight.value for weight in model.variables]
    signatures = {}
    for name, (function, spec) in _endpoints(core, names, guarded, photo).items():
        traced = tf.function(function, input_signature=[spec], autograph=False)
        # Of a function in the module, saving would make a second graph and store both, with the
        # detector's weights in each.
        signatures[name] = traced.get_concrete_function()
        setattr(module, name, signatures[name])
    tf.saved_model.save(module, str(folder), signatures)


def _frozen(core):
    frozen = convert_variables_to_constants_v2(core)
    shape = core.output_shapes

    def predict(images):
        return tf.ensure_shape(frozen(images)[0], shape)

    return predict


def _endpoints(core, names, guarded, photo):
    def predict(faces):
        if not guarded:
            return core(faces)
        # oneDNN cannot handle an empty batch, so it gets one face, whose answer is dropped.
        shape = tf.shape(faces)
        added = tf.stack([[0, 0, 0, 0], tf.cast(shape == 0, tf.int32)], axis=1)
        padded = tf.ensure_shape(tf.pad(faces, added), FACE_SHAPE)
        return tf.strided_slice(core(padded), [0], shape[:1])

    # Without ensure_shape, a wrongly shaped request reaches oneDNN, which may abort the process.
    def predict_gray(images):
        images = tf.ensure_shape(images, FACE_SHAPE)
        if not guarded:
            return predict(images)
        # A NaN would give plausible-looking keypoints. Raising would fail the whole batch, which a
        # server may have merged from the requests of several clients.
        finite = tf.reduce_all(tf.math.is_finite(images), axis=(1, 2, 3))
        faces = tf.where(finite[:, tf.newaxis, tf.newaxis, tf.newaxis], images, 0.0)
        return only_where(finite, predict(faces))

    def only_where(known, keypoints):
        return tf.where(known[:, tf.newaxis, tf.newaxis], keypoints, np.nan)

    def serving_default(images):
        return {"keypoints": predict_gray(images)}

    def serve_uint8(images):
        return {"keypoints": predict(tf.cast(tf.ensure_shape(images, FACE_SHAPE), tf.float32))}

    def serve_bytes(image_bytes):
        faces, sizes, errors = decode_faces(tf.ensure_shape(image_bytes, (None,)))
        # (0, 0) is a pixel's centre, so the picture's corner is at (−½, −½) in both sizes.
        scale = sizes[:, tf.newaxis, :] / IMAGE_SIZE
        keypoints = (predict(faces) + 0.5) * scale - 0.5
        return {"keypoints": only_where(errors == "", keypoints), "error": errors}

    def serve_named(images):
        keypoints = tf.unstack(predict_gray(images), num=len(names), axis=1)
        return dict(zip(names, keypoints, strict=True))

    gray = tf.TensorSpec(FACE_SHAPE, tf.float32, name="images")
    gray_uint8 = tf.TensorSpec(FACE_SHAPE, tf.uint8, name="images")
    files = tf.TensorSpec((None,), tf.string, name="image_bytes")
    endpoints = {
        "serving_default": (serving_default, gray),
        "serve_uint8": (serve_uint8, gray_uint8),
        "serve_bytes": (serve_bytes, files),
        "serve_named": (serve_named, gray),
    }
    if photo:
        endpoints[SERVE_PHOTO] = photo_endpoint(predict, len(names)), files
    return endpoints
