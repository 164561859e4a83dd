"""How far labels lie from mirror-symmetric ones, as a net's answers show it."""

import dataclasses

import numpy as np

from keypoint_schema import Mirror


def measured(
    predicted: np.ndarray,
    predicted_mirrored: np.ndarray,
    actual: np.ndarray,
    mirror: Mirror,
) -> Mirror:
    """The mirror of these keypoints, with the offset of their labels.

    The mean of a net's answers for a picture and, mirrored back, for its mirror image is symmetric,
    whatever the net has learned of the offset. The offset is that part of the labels' mean
    difference from it which mirroring reverses.

    Args:
        predicted: `(N, K, 2)`, normalized, for pictures.
        predicted_mirrored: the same for their mirror images.
        actual: the labels, `(N, K, 2)`, normalized, NaN where unlabelled.
        mirror: of the K keypoints, without an offset.
    """
    symmetric = (predicted + mirror(predicted_mirrored)) / 2
    labelled = np.isfinite(actual)
    errors = np.where(labelled, actual - symmetric, 0.0).sum(0) / np.maximum(labelled.sum(0), 1)
    offset = (errors - mirror(errors)) / 2
    return dataclasses.replace(mirror, offset=offset.astype(np.float32))
