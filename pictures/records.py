"""Faces that were found, as JSON and CSV."""

import csv
import dataclasses
import io
import json
import pathlib

import numpy as np

from pictures.cropping import Box


@dataclasses.dataclass(frozen=True)
class Face:
    """A face in a photograph.

    Attributes:
        box: what the net saw of it.
        keypoints: `(K, 2)` px of the upright photograph.
        confidence: the detector's; None for a face crop.
    """

    box: Box
    keypoints: np.ndarray
    confidence: float | None = None


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


def to_json(pictures: list[PictureFaces], names: tuple[str, ...]) -> str:
    """A list of pictures with their faces, keypoints by name as [x, y]."""
    return json.dumps([_record(each, names) for each in pictures], indent=2) + "\n"


def to_csv(pictures: list[PictureFaces], names: tuple[str, ...]) -> str:
    """A row for each keypoint: picture, face (from 0), keypoint, x, y."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["picture", "face", "keypoint", "x", "y"])
    for picture in pictures:
        for number, face in enumerate(picture.faces):
            for name, (x, y) in zip(names, face.keypoints.tolist(), strict=True):
                writer.writerow([picture.path, number, name, f"{x:.2f}", f"{y:.2f}"])
    return out.getvalue()


def _record(picture, names):
    return {
        "picture": str(picture.path),
        "width": picture.size[0],
        "height": picture.size[1],
        "faces": [_face(face, names) for face in picture.faces],
    }


def _face(face, names):
    box = {field: round(value, 2) for field, value in dataclasses.asdict(face.box).items()}
    points = np.round(face.keypoints.astype(float), 2).tolist()
    record = {"box": box, "keypoints": dict(zip(names, points, strict=True))}
    if face.confidence is not None:
        record["confidence"] = round(face.confidence, 4)
    return record
