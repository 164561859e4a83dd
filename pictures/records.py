"""Faces that were found, as JSON and CSV."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

import command_line
from pictures.cropping import Box


@dataclasses.dataclass(frozen=True)
class Face:
    """A face in a photograph.

    Attributes:
        box: what the net saw of it.
        names: of the K keypoints.
        points: `(K, 2)` px of the upright photograph.
        confidence: the detector's; None for a face crop.
        uncertainty: `(K,)` px of the upright photograph, how far from each keypoint, in root mean
            square, the places are that the net holds possible; None if it was not asked for.
    """

    box: Box
    names: Sequence[str]
    points: np.ndarray
    confidence: float | None = None
    uncertainty: np.ndarray | None = None

    @property
    def keypoints(self) -> dict[str, tuple[float, float]]:
        """The keypoints by name, (x, y) in px of the upright photograph."""
        return {
            name: (float(x), float(y)) for name, (x, y) in zip(self.names, self.points, strict=True)
        }

    @property
    def uncertainty_by_name(self) -> dict[str, float]:
        """The uncertainty of each keypoint, px; empty if it was not asked for."""
        if self.uncertainty is None:
            return {}
        return dict(zip(self.names, map(float, self.uncertainty), strict=True))


@dataclasses.dataclass(frozen=True)
class PictureFaces:
    """A photograph and the faces in it.

    Attributes:
        path: the file.
        size: width and height in px, upright; None if it could not be read.
        faces: may be empty.
        error: why it could not be read; None if it could.
    """

    path: pathlib.Path
    size: tuple[int, int] | None
    faces: Sequence[Face]
    error: str | None = None

    @property
    def name(self) -> str:
        """The path, as text that can be written whatever bytes it is made of."""
        return command_line.writable(str(self.path))


@dataclasses.dataclass
class Tally:
    """How much has been found.

    Attributes:
        pictures: how many there were, with those that could not be read.
        faces: in all of them.
        unreadable: how many pictures could not be read.
    """

    pictures: int = 0
    faces: int = 0
    unreadable: int = 0

    def add(self, other: "Tally"):
        """Adds what was found elsewhere."""
        self.pictures += other.pictures
        self.faces += other.faces
        self.unreadable += other.unreadable

    @classmethod
    def of(cls, picture: PictureFaces) -> "Tally":
        """Counts one picture."""
        return cls(1, len(picture.faces), int(picture.error is not None))


CSV_COLUMNS = (
    *("picture", "face", "confidence", "left", "top", "width", "height"),
    *("keypoint", "x", "y", "uncertainty", "error"),
)


def csv_rows(picture: PictureFaces) -> list[list[str]]:
    """Returns a row of `CSV_COLUMNS` for each keypoint; one without a face for a faceless picture.

    Faces are counted from 0. The confidence is empty for a face crop; the uncertainty, where it was
    not asked for; the error, for a picture that could be read.
    """
    rows = []
    for number, face in enumerate(picture.faces):
        confidence = "" if face.confidence is None else f"{face.confidence:.4f}"
        box = [f"{value:.2f}" for value in dataclasses.astuple(face.box)]
        start = [picture.name, str(number), confidence, *box]
        uncertainty = {name: f"{value:.2f}" for name, value in face.uncertainty_by_name.items()}
        rows += [
            [*start, name, f"{x:.2f}", f"{y:.2f}", uncertainty.get(name, ""), ""]
            for name, (x, y) in face.keypoints.items()
        ]
    return rows or [[picture.name, *[""] * (len(CSV_COLUMNS) - 2), picture.error or ""]]


def json_record(picture: PictureFaces) -> dict:
    """Returns a picture with its faces, keypoints by name as [x, y], for JSON."""
    width, height = picture.size or (None, None)
    record = {
        "picture": picture.name,
        "width": width,
        "height": height,
        "faces": [_face(face) for face in picture.faces],
    }
    return record | ({"error": picture.error} if picture.error is not None else {})


def _face(face):
    box = {field: round(value, 2) for field, value in dataclasses.asdict(face.box).items()}
    keypoints = {name: [round(x, 2), round(y, 2)] for name, (x, y) in face.keypoints.items()}
    record = {"box": box, "keypoints": keypoints}
    if face.confidence is not None:
        record["confidence"] = round(face.confidence, 4)
    if face.uncertainty is not None:
        of_each = face.uncertainty_by_name
        record["uncertainty"] = {name: round(px, 2) for name, px in of_each.items()}
    return record
