"""Finds faces in whole photographs with MTCNN (see `cascade`).

Compared on training faces of 278 people, pasted into landscapes
at 64 to 340 px, and on the few real photographs that packages ship, OpenCV's Haar cascades and dlib
found as many upright faces, but missed those tilted by 15° and in profile.
`benchmarks/face_detection.py` repeats the figures below.
"""

import os
import typing

import numpy as np
from PIL import Image

from pictures.cropping import Box

# At 0.9 it found 273 of 278 pasted faces, and 834 of 859 of another data set, with no false alarm
# in 228 photographs; at 0.95, 270 and 818. In 400 turned and enlarged details of the landscapes
# alone, it takes 15 places for a face.
MIN_CONFIDENCE = 0.9


class DetectedFace(typing.NamedTuple):
    """The square around a face as the nets expect it; the confidence is None for a face crop."""

    box: Box
    confidence: float | None = None


class FaceDetector:
    """Finds faces; loads the detector once."""

    def __init__(self, min_confidence: float | None = None):
        """Loads the detector.

        Args:
            min_confidence: what is less surely a face is left out; None for `MIN_CONFIDENCE`. Where
                nothing is left, a second look allows half the doubt.

        Raises:
            UserError: if the extra is not installed.
        """
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        from pictures.framing import square_finder  # imports TensorFlow

        self._find_squares = square_finder()
        self._min_confidence = MIN_CONFIDENCE if min_confidence is None else min_confidence

    def find(self, picture: Image.Image) -> list[DetectedFace]:
        """Finds the faces of a photograph.

        Args:
            picture: upright, mode "L" or "RGB".

        Returns:
            The faces from left to right.
        """
        rgb = np.asarray(picture.convert("RGB"))
        squares, scores = self._find_squares(rgb, np.float32(self._min_confidence))
        return [
            DetectedFace(Box(*square), score)
            for square, score in zip(squares.numpy().tolist(), scores.numpy().tolist(), strict=True)
        ]
