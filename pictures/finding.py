"""Finds the faces in pictures and their keypoints: crops, predicts, maps back."""

import dataclasses
import pathlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from PIL import Image

import command_line
import keypoint_schema
from pictures.cropping import Box, crop, to_photograph
from pictures.detection import DetectedFace, FaceDetector
from pictures.reading import UnreadablePictureError, read_picture, to_gray
from pictures.records import Face, PictureFaces

_BATCH = 64  # face crops that are predicted at once; photographs wait for no other
_LARGE, _OBLONG = 1024, 1.4  # px; longer by shorter side: hardly a crop of one face


def find_keypoints(
    paths: Iterable[pathlib.Path], net, detector: FaceDetector | None = None
) -> Iterator[PictureFaces]:
    """Finds the keypoints of all faces in pictures, one after another.

    Args:
        paths: picture files. Those that cannot be read are left out, with a warning.
        net: has `names`, its K keypoints', and `predict`, from uint8 `(N, 96, 96, 1)` to px
            `(N, K, 2)`.
        detector: finds the faces; None if each picture is a face crop.

    Yields:
        The faces of each picture, in the order of the paths.
    """
    waiting, is_warned = [], detector is not None
    for path in paths:
        try:
            picture = read_picture(path)
        except UnreadablePictureError as error:
            command_line.warn(f"skipped: {error}")
            continue
        if not is_warned and _looks_like_a_photograph(picture.size):
            command_line.warn(
                f"{path} is {picture.width}×{picture.height} px and is taken for one face. If it "
                "shows more than that, add --detect."
            )
            is_warned = True
        waiting.append(_cropped(path, picture, detector))
        if not waiting[-1].faces:
            command_line.warn(f"no face found in {path}")
        if detector or len(waiting) == _BATCH:
            yield from _predicted(waiting, net)
            waiting = []
    yield from _predicted(waiting, net)


def find_faces(picture: Image.Image, net, detector: FaceDetector | None = None) -> list[Face]:
    """Finds the keypoints of all faces in one picture; arguments as `find_keypoints`."""
    (found,) = _predicted([_cropped(pathlib.Path(), picture, detector)], net)
    return found.faces


@dataclasses.dataclass(frozen=True)
class _Cropped:
    """What is kept of a picture: many whole photographs would not fit into memory."""

    path: pathlib.Path
    size: tuple[int, int]
    faces: Sequence[DetectedFace]
    crops: Sequence[np.ndarray]


def _cropped(path, picture, detector):
    whole = DetectedFace(Box(0, 0, *picture.size))
    faces = detector.find(picture) if detector else [whole]
    gray = to_gray(picture)
    return _Cropped(path, picture.size, faces, [crop(gray, face.box) for face in faces])


def _predicted(cropped, net):
    size = keypoint_schema.IMAGE_SIZE
    crops = [image for each in cropped for image in each.crops]
    predicted = iter(net.predict(np.reshape(np.array(crops, np.uint8), (-1, size, size, 1))))
    for each in cropped:
        faces = [
            Face(face.box, net.names, to_photograph(next(predicted), face.box), face.confidence)
            for face in each.faces
        ]
        yield PictureFaces(each.path, each.size, faces)


def _looks_like_a_photograph(size):
    shorter, longer = sorted(size)
    return shorter >= _LARGE or longer >= _OBLONG * shorter
