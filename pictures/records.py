"""Faces that were found, as JSON and CSV."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from pictures.cropping import Box


@dataclasses.dataclass(frozen=True)
class Face:
    """A face in a photograph.

    Attributes:
        box: what the net saw of it.
        names: of the K keypoints.
        points: `(K, 2)` px of the upright photograph.
        confidence: the detector's; None for a face crop.
    """

    box: Box
    names: Sequence[str]
    points: np.ndarray
    confidence: float | None = None

    @property
    def keypoints(self) -> dict[str, tuple[float, float]]:
        """The keypoints by name, (x, y) in px of the upright photograph."""
        return {
            name: (float(x), float(y)) for name, (x, y) in zip(self.names, self.points, strict=True)
        }


@dataclasses.dataclass(frozen=True)
class PictureFaces:
    """A photograph and the faces in it.

    Attributes:
        path: the file.
        size: width and height in px, upright.
        faces: may be empty.
    """

    path: pathlib.Path
    size: tuple[int, int]
    faces: list[Face]


CSV_COLUMNS = (
    *("picture", "face", "confidence", "left", "top", "width", "height"),
    *("keypoint", "x", "y"),
)


def csv_rows(picture: PictureFaces) -> list[list[str]]:
    """Returns a row of `CSV_COLUMNS` for each keypoint; one without a face for a faceless picture.

    Faces are counted from 0. The confidence is empty for a face crop.
    """
    rows = []
    for number, face in enumerate(picture.faces):
        confidence = "" if face.confidence is None else f"{face.confidence:.4f}"
        box = [f"{value:.2f}" for value in dataclasses.astuple(face.box)]
        start = [str(picture.path), str(number), confidence, *box]
        rows += [[*start, name, f"{x:.2f}", f"{y:.2f}"] for name, (x, y) in face.keypoints.items()]
    return rows or [[str(picture.path)] + [""] * (len(CSV_COLUMNS) - 1)]


def json_record(picture: PictureFaces) -> dict:
    """Returns a picture with its faces, keypoints by name as [x, y], for JSON."""
    return {
        "picture": str(picture.path),
        "width": picture.size[0],
        "height": picture.size[1],
        "faces": [_face(face) for face in picture.faces],
    }


def _face(face):
    box = {field: round(value, 2) for field, value in dataclasses.asdict(face.box).items()}
    keypoints = {name: [round(x, 2), round(y, 2)] for name, (x, y) in face.keypoints.items()}
    record = {"box": box, "keypoints": keypoints}
    if face.confidence is not None:
        record["confidence"] = round(face.confidence, 4)
    return record
