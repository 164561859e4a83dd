"""Follows faces from frame to frame by a net's own answers; detecting them takes longer."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

import keypoint_schema
from pictures.cropping import Box
from pictures.detection import DetectedFace, FaceDetector
from pictures.finding import find_faces
from pictures.records import Face

# From a face's points to the square around it that nets are trained on, fitted to the complete rows
# of the faces and photographs that the presets were trained on: the side then is right to 7 %, the
# centre to 3 % of it.
_SIDE = 3.81  # of the points' root mean square distance from their mean
_SHIFT = (0.003, 0.029)  # of the side, from the mean of the points
_DETECT_EVERY = 15  # frames; in between, no new face is found
_MAX_CHANGE = 1.25  # of the side in one frame; more is no movement of a face
_MAX_OVERLAP = 0.5  # of two squares, intersection over union; more is one face followed twice


class FaceTracker:
    """Finds the faces of each frame of a video: detects now and then, and follows in between."""

    def __init__(self, net, detector: FaceDetector):
        """Starts without any face.

        Args:
            net: as for `find_keypoints`. Only one that predicts all 15 keypoints can follow a face;
                for others, the detector finds the faces of every frame.
            detector: finds new faces.
        """
        self._net, self._detector = net, detector
        self._followed: list[DetectedFace] = []
        self._frame = 0

    def __call__(self, picture: Image.Image) -> list[Face]:
        """Finds the faces of the next frame."""
        is_detected = self._frame % _DETECT_EVERY == 0 or not self._followed
        self._frame += 1
        faces = self._detector.find(picture) if is_detected else self._followed
        found = find_faces(picture, self._net, _Known(faces))
        if len(self._net.names) == keypoint_schema.NUM_KEYPOINTS:
            self._followed = _plausible(found, picture.size)
        return found


def box_around(points: np.ndarray) -> Box:
    """The square around a face that is framed as training faces are.

    Args:
        points: `(15, 2)` px of the photograph, in the schema's order.
    """
    corner_based = points + 0.5
    mean = corner_based.mean(0)
    side = _SIDE * np.sqrt(np.square(corner_based - mean).sum(-1).mean())
    left, top = mean + side * np.array(_SHIFT) - side / 2
    return Box(float(left), float(top), float(side), float(side))


class _Known:
    """Stands in for a detector where the faces are known already."""

    def __init__(self, faces: Sequence[DetectedFace]):
        self._faces = faces

    def find(self, picture):
        return self._faces


def _plausible(faces, size):
    """Where to look for these faces next: what has left the picture, or burst, is given up."""
    followed = []
    for face in faces:
        box = box_around(face.points)
        centre = box.left + box.width / 2, box.top + box.height / 2
        inside = 0 <= centre[0] < size[0] and 0 <= centre[1] < size[1]
        change = box.width / face.box.width
        is_twin = any(_overlap(box, other.box) > _MAX_OVERLAP for other in followed)
        if inside and 1 / _MAX_CHANGE < change < _MAX_CHANGE and not is_twin:
            followed.append(DetectedFace(box, face.confidence))
    return followed


def _overlap(a, b):
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    common = max(width, 0) * max(height, 0)
    return common / (a.width * a.height + b.width * b.height - common)
