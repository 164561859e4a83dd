"""What predict.py does with picture files: crops, predicts, maps back, writes, annotates."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

import atomic_write
import command_line
import keypoint_schema
from pictures.annotated_files import annotated_files
from pictures.annotation import write_annotated
from pictures.cropping import Box, crop, to_photograph
from pictures.detection import DetectedFace, FaceDetector
from pictures.reading import UnreadablePictureError, read_picture, to_gray
from pictures.records import Face, PictureFaces, to_csv, to_json


@dataclasses.dataclass(frozen=True)
class Outputs:
    """Where found keypoints go; onto the terminal as CSV if nowhere else.

    Attributes:
        file: written as JSON or CSV, by its ending.
        annotated: a folder for annotated copies of the pictures.
    """

    file: pathlib.Path | None = None
    annotated: pathlib.Path | None = None

    def require_writable(self):
        """Tries both places, before the work.

        Raises:
            UserError: if one cannot be written.
        """
        if self.file:
            atomic_write.require_writable(self.file)
        if self.annotated:
            atomic_write.require_writable(self.annotated / "picture_keypoints.png")

    def write(
        self,
        found: Sequence[PictureFaces],
        names: Sequence[str],
        inputs: Sequence[pathlib.Path],
    ) -> None:
        """Writes keypoints, and annotates each picture; no file of `inputs` is overwritten."""
        if self.file:
            convert = to_json if self.file.suffix.lower() == ".json" else to_csv
            atomic_write.write_text(self.file, convert(found, names))
            faces = command_line.counted(sum(len(each.faces) for each in found), "face")
            print(f"Wrote {self.file}: {faces}.")
        if self.annotated:
            files = annotated_files([each.path for each in found], self.annotated, inputs)
            for each, file in zip(found, files, strict=True):
                write_annotated(file, read_picture(each.path), each.faces, names)
            print(f"Drew {command_line.counted(len(found), 'picture')} into {self.annotated}.")
        if not self.file and not self.annotated:
            print(to_csv(found, names), end="")


def find_keypoints(
    paths: Sequence[pathlib.Path], net, detector: FaceDetector | None = None
) -> list[PictureFaces]:
    """Finds the keypoints of all faces in pictures, in one batch.

    Args:
        paths: picture files. Those that cannot be read are left out, with a warning.
        net: has `names`, its K keypoints', and `predict`, from uint8 `(N, 96, 96, 1)` to px
            `(N, K, 2)`.
        detector: finds the faces; None if each picture is a face crop.
    """
    cropped = []
    for path in paths:
        try:
            cropped.append(_cropped(path, detector))
        except UnreadablePictureError as error:
            command_line.warn(f"skipped: {error}")
            continue
        if not cropped[-1].faces:
            command_line.warn(f"no face found in {path}")
    size = keypoint_schema.IMAGE_SIZE
    crops = [image for each in cropped for image in each.crops]
    predicted = iter(net.predict(np.reshape(np.array(crops, np.uint8), (-1, size, size, 1))))
    return [
        PictureFaces(
            each.path,
            each.size,
            [
                Face(face.box, to_photograph(next(predicted), face.box), face.confidence)
                for face in each.faces
            ],
        )
        for each in cropped
    ]


@dataclasses.dataclass(frozen=True)
class _Cropped:
    """What is kept of a picture: a folder of whole photographs would not fit into memory."""

    path: pathlib.Path
    size: tuple[int, int]
    faces: list[DetectedFace]
    crops: list[np.ndarray]


def _cropped(path, detector):
    picture = read_picture(path)
    whole = DetectedFace(Box(0, 0, *picture.size))
    faces = detector.find(picture) if detector else [whole]
    gray = to_gray(picture)
    return _Cropped(path, picture.size, faces, [crop(gray, face.box) for face in faces])
