"""How far labels lie from mirror-symmetric ones, as a net's answers show it."""

import dataclasses

import numpy as np

from keypoint_schema import Mirror


class MirrorOffset:
    """The offset of labels, measured from a net's answers for one part of the faces after another.

    The mean of a net's answers for a picture and, mirrored back, for its mirror image is symmetric,
    whatever the net has learned of the offset. The offset is that part of the labels' mean
    difference from it which mirroring reverses.
    """

    def __init__(self, mirror: Mirror):
        """Starts without faces; `mirror` is that of the K keypoints, without an offset."""
        self._mirror = mirror
        self._errors, self._labels = np.zeros((2, len(mirror.permutation), 2))

    def add(self, predicted: np.ndarray, mirrored: np.ndarray, actual: np.ndarray) -> None:
        """Adds some faces.

        Args:
            predicted: `(n, K, 2)`, normalized, for pictures.
            mirrored: the same for their mirror images.
            actual: the labels, `(n, K, 2)`, normalized, NaN where unlabelled.
        """
        symmetric = (predicted + self._mirror(mirrored)) / 2
        labelled = np.isfinite(actual)
        self._errors += np.where(labelled, actual - symmetric, 0).sum(0)
        self._labels += labelled.sum(0)

    def mirror(self) -> Mirror:
        """The mirror of the keypoints, with the offset of their labels."""
        errors = self._errors / np.maximum(self._labels, 1)
        offset = (errors - self._mirror(errors)) / 2
        return dataclasses.replace(self._mirror, offset=offset.astype(np.float32))
