"""Predicts keypoints of any number of faces with a Keras model."""

from collections.abc import Callable

import keras
import numpy as np

import keypoint_schema

_BATCH_SIZE = 256


def predict_normalized(model: keras.Model, images, mirrored: bool = False) -> np.ndarray:
    """Predicts normalized keypoints.

    Args:
        model: from images to normalized keypoints `(batch, K, 2)`.
        images: uint8 or float32 `(N, 96, 96, 1)`, 0–255, in an array or in files, of which
            `numpy.asarray` reads a part; N may be 0.
        mirrored: predict their mirror images instead.

    Returns:
        float32 `(N, K, 2)`.
    """

    def predict(piece):
        return _predict(model, piece[:, :, ::-1] if mirrored else piece)

    return in_pieces(predict, images)


def predict_pixels(model: keras.Model, images) -> np.ndarray:
    """Predicts keypoints in px of the 96×96 image; otherwise like `predict_normalized`."""
    return keypoint_schema.to_pixels(predict_normalized(model, images))


def in_pieces(predict: Callable[[np.ndarray], np.ndarray], images) -> np.ndarray:
    """Calls a function of images for one batch of them after another, and joins what it returns."""
    firsts = range(0, max(len(images), 1), _BATCH_SIZE)
    pieces = [predict(np.asarray(images[first : first + _BATCH_SIZE])) for first in firsts]
    return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]


def _predict(model, images):
    if not len(images):  # Keras refuses to predict nothing
        return np.empty((0, *model.output_shape[1:]), np.float32)
    # `predict` gives the same to the last bit, but takes 60 ms to start a pipeline, whose copies
    # stay in memory until Python looks for garbage.
    answers = model.predict_on_batch(images)
    return np.asarray(answers, np.float32)
