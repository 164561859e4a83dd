"""Faces and their keypoints in a picture, from Python.

from keypoint_finder import KeypointFinder

find = KeypointFinder("preset:heatmap_m")
for face in find("party.jpg"):
    print(face.box, face.confidence, face.keypoints["nose_tip"])
"""

import io
import os
import pathlib

import numpy as np
from PIL import Image

import pictures
from trained_nets.loading import load_net
from trained_nets.uncertainty import to_answer


class KeypointFinder:
    """Finds faces in pictures and the keypoints of each; loads the nets once."""

    def __init__(
        self,
        net: str | os.PathLike = "preset:heatmap_m",
        detect: bool = True,
        min_confidence: float | None = None,
        flip_average: bool | str = False,
        labels_of: str | None = None,
        uncertainty: bool = False,
    ):
        """Loads the nets.

        Args:
            net: a run folder of train.py, an exported SavedModel, or `preset:<name>`.
            detect: find the faces, for which it needs the extra `detect`; False takes each picture
                for a crop of one face.
            min_confidence: what is less surely a face is left out; None for 0.9.
            flip_average: True averages over each face and its mirror image; "symmetric" leaves
                out the mirror offset of the training labels.
            labels_of: as for `load_net`.
            uncertainty: also tell how uncertain the net is of each keypoint, as single heatmap
                nets can.

        Raises:
            UserError: if the net cannot be loaded or tell its uncertainty, or the extra is missing.
        """
        self.net = to_answer(load_net(net, labels_of=labels_of), flip_average, uncertainty)
        self._detector = pictures.FaceDetector(min_confidence) if detect else None

    def __call__(
        self, picture: str | os.PathLike | bytes | np.ndarray | Image.Image
    ) -> list[pictures.Face]:
        """Finds the faces of one picture.

        Args:
            picture: a file; its bytes; an array, uint8 `(height, width)` gray, `(height, width, 3)`
                RGB; or Pillow's picture, of any mode. Files and bytes are turned upright by their
                EXIF tag.

        Returns:
            The faces from left to right, each with `box`, `confidence`, and `keypoints` by name in
            px of the upright picture; (0, 0) is the centre of its top left pixel. If it was asked
            for, `uncertainty_by_name` has how far from them, in root mean square px, the places are
            that the net holds possible.

        Raises:
            UnreadablePictureError: if a file or bytes are no picture.
            ValueError: if an array has another dtype or shape.
        """
        return pictures.find_faces(_opened(picture), self.net, self._detector)


def _opened(picture):
    if isinstance(picture, Image.Image):
        return pictures.to_plain(picture)
    if isinstance(picture, np.ndarray):
        is_gray, is_rgb = picture.ndim == 2, picture.ndim == 3 and picture.shape[2] == 3
        if picture.dtype != np.uint8 or not (is_gray or is_rgb) or not picture.size:
            raise ValueError(
                "A picture is uint8, (height, width) or (height, width, 3). Received: "
                f"{picture.dtype} of shape {picture.shape}."
            )
        return Image.fromarray(picture)
    if isinstance(picture, bytes):
        return pictures.read_picture(io.BytesIO(picture))
    return pictures.read_picture(pathlib.Path(picture))
