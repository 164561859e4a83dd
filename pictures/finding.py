"""Finds the faces in pictures and their keypoints: crops, predicts, maps back."""

import dataclasses
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

import command_line
import keypoint_schema
from pictures.cropping import Box, crop, to_photograph
from pictures.detection import DetectedFace, FaceDetector
from pictures.reading import UnreadablePictureError, read_picture, to_gray
from pictures.records import Face, PictureFaces


def find_keypoints(
    paths: Iterable[pathlib.Path], net, detector: FaceDetector | None = None
) -> list[PictureFaces]:
    """Finds the keypoints of all faces in some pictures, which are predicted at once.

    Args:
        paths: picture files.
        net: has `names`, its K keypoints', and `predict`, from uint8 `(N, 96, 96, 1)` to px
            `(N, K, 2)`, or `(N, K, 3)`, with the uncertainty of each.
        detector: finds the faces; None if each picture is a face crop.

    Returns:
        The faces of each picture, or why it cannot be read, in the order of the paths.
    """
    return _predicted([_read(path, detector) for path in paths], net)


def find_faces(picture: Image.Image, net, detector: FaceDetector | None = None) -> list[Face]:
    """Finds the keypoints of all faces in one picture; arguments as `find_keypoints`."""
    (found,) = _predicted([_cropped(pathlib.Path(), picture, detector)], net)
    return list(found.faces)


@dataclasses.dataclass(frozen=True)
class _Cropped:
    """What is kept of a picture: many whole photographs would not fit into memory."""

    path: pathlib.Path
    size: tuple[int, int] | None = None
    faces: Sequence[DetectedFace] = ()
    crops: Sequence[np.ndarray] = ()
    error: str | None = None


def _read(path, detector):
    try:
        picture = read_picture(path)
    except UnreadablePictureError as error:
        return _Cropped(path, error=command_line.writable(str(error)))
    return _cropped(path, picture, detector)


def _cropped(path, picture, detector):
    whole = DetectedFace(Box(0, 0, *picture.size))
    faces = detector.find(picture) if detector else [whole]
    gray = to_gray(picture)
    return _Cropped(path, picture.size, faces, [crop(gray, face.box) for face in faces])


def _predicted(cropped, net):
    crops = [image for each in cropped for image in each.crops]
    images = np.array(crops, np.uint8).reshape(-1, *keypoint_schema.IMAGE_SHAPE)
    predicted = iter(net.predict(images))
    found = []
    for each in cropped:
        faces = [_face(face, net.names, next(predicted)) for face in each.faces]
        found.append(PictureFaces(each.path, each.size, faces, each.error))
    return found


def _face(face, names, predicted):
    points = to_photograph(predicted[:, :2], face.box)
    uncertainty = None
    if predicted.shape[1] > 2:
        uncertainty = predicted[:, 2] * face.box.side / keypoint_schema.IMAGE_SIZE
    return Face(face.box, names, points, face.confidence, uncertainty)
