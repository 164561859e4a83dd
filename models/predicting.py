"""Predicts keypoints of any number of faces with a Keras model."""

import keras
import numpy as np

import keypoint_schema

_BATCH_SIZE = 256


def predict_normalized(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Predicts normalized keypoints.

    Args:
        model: from images to normalized keypoints `(batch, K, 2)`.
        images: uint8 or float32 `(N, 96, 96, 1)`, 0–255; N may be 0.

    Returns:
        float32 `(N, K, 2)`.
    """
    if not len(images):  # Keras refuses to predict nothing
        return np.empty((0, *model.output_shape[1:]), np.float32)
    if len(images) <= _BATCH_SIZE:  # the same to the last bit, without 60 ms to start a pipeline
        answers = model.predict_on_batch(images)
    else:
        answers = model.predict(images, batch_size=_BATCH_SIZE, verbose=0)
    return np.asarray(answers, np.float32)


def predict_pixels(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Predicts keypoints in px of the 96×96 image; otherwise like `predict_normalized`."""
    return keypoint_schema.to_pixels(predict_normalized(model, images))
