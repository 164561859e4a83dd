"""Finds faces in whole photographs with MTCNN, whose weights come inside its package.

Source: K. Zhang et al., Joint Face Detection and Alignment Using Multi-task Cascaded Convolutional
Networks (2016); package `mtcnn`. Compared on training faces of 278 people, pasted into landscapes
at 64 to 340 px, and on the few real photographs that packages ship, OpenCV's Haar cascades and dlib
found as many upright faces, but missed those tilted by 15° and in profile.
`benchmarks/face_detection.py` repeats the figures below.
"""

import os
import typing
import warnings

import numpy as np
from PIL import Image

import keypoint_schema
from errors import UserError
from pictures.cropping import Box

# At 0.95 it found 267 of 278 pasted faces with no false alarm; at 0.9 a pagoda is a face, too.
MIN_CONFIDENCE = 0.95
# The detector's time grows with the area; a face in a group photograph is larger than 1 % of this.
_MAX_SIDE = 1600  # px

# From the detector's box and landmarks to the square around a face that nets are trained on,
# fitted to training faces: the side then is right to 7 %, the centre to 3 % of the side.
_SIDE = 1.168  # of the geometric mean of the box's width and height
_SHIFT = (0.014, -0.053)  # of the side, from the centre of the five landmarks


class DetectedFace(typing.NamedTuple):
    """The square around a face as the nets expect it; the confidence is None for a face crop."""

    box: Box
    confidence: float | None = None


class FaceDetector:
    """Finds faces; loads the detector once."""

    def __init__(self, min_confidence: float | None = None):
        """Loads the detector.

        Args:
            min_confidence: what is less surely a face is left out; None for `MIN_CONFIDENCE`.

        Raises:
            UserError: if the extra is not installed.
        """
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        try:
            from mtcnn import MTCNN
        except ImportError as error:
            raise UserError(
                "--detect needs the face detector, which is an extra: pip install -e '.[detect]'"
            ) from error
        self._detect = MTCNN(device="CPU:0").detect_faces
        self._min_confidence = MIN_CONFIDENCE if min_confidence is None else min_confidence

    def find(self, picture: Image.Image) -> list[DetectedFace]:
        """Finds the faces of a photograph.

        Args:
            picture: upright, mode "L" or "RGB".

        Returns:
            The faces from left to right.
        """
        scale = max(1.0, max(picture.size) / _MAX_SIDE)
        small = picture.convert("RGB").resize(
            [max(1, round(side / scale)) for side in picture.size], Image.Resampling.BILINEAR
        )
        if min(small.size) < keypoint_schema.IMAGE_SIZE // 4:
            return []  # too small for the detector's smallest face, 20 px
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its NumPy divides by zero where it finds nothing
            # Boxes are not clipped at the border, which would make them smaller than the face.
            detections = self._detect(np.asarray(small), fit_to_image=False)
        ratio = np.divide(picture.size, small.size)
        found = [
            DetectedFace(
                face_box(np.array(each["box"]), np.array(list(each["keypoints"].values())), ratio),
                float(each["confidence"]),
            )
            for each in detections
            if each["confidence"] >= self._min_confidence
        ]
        return sorted(found, key=lambda face: face.box.left)


def face_box(box: np.ndarray, landmarks: np.ndarray, ratio: np.ndarray) -> Box:
    """The square that is framed as training faces are.

    Args:
        box: `(4,)` left, top, width, height from the detector, px.
        landmarks: `(5, 2)` eyes, nose and mouth corners, px.
        ratio: `(2,)` photograph's px by the detector's px.
    """
    side = _SIDE * np.sqrt(box[2] * box[3])
    centre = landmarks.mean(axis=0) + side * np.array(_SHIFT)
    left, top = (centre - side / 2) * ratio
    width, height = side * ratio
    return Box(float(left), float(top), float(width), float(height))
