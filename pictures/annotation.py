"""Marks keypoints in photographs."""

import io
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

import atomic_write
import keypoint_schema
from pictures.cropping import Box
from pictures.records import Face

# Okabe and Ito's, as in the figures: the person's left is orange, right blue, the middle white.
_LEFT, _RIGHT, _MIDDLE = (230, 159, 0), (86, 180, 233), (255, 255, 255)
_MIN_WIDTH = 480  # px; a small crop is enlarged, or its points would hide the face


def annotated(picture: Image.Image, faces: Sequence[Face], names: Sequence[str]) -> Image.Image:
    """A copy of a photograph with the faces' keypoints, and boxes where they are not the whole.

    Args:
        picture: of any mode.
        faces: with keypoints in px of the photograph.
        names: the keypoints'.

    Returns:
        An RGB picture; one less than 480 px wide is enlarged by a whole number.
    """
    scale = max(1, -(-_MIN_WIDTH // picture.width))
    copy = picture.convert("RGB").resize(
        (picture.width * scale, picture.height * scale), Image.Resampling.BILINEAR
    )
    pen = ImageDraw.Draw(copy)
    whole = Box(0, 0, *picture.size)
    for face in faces:
        box = face.box
        # A keypoint's size follows the face, not the photograph, so that crowds stay readable.
        radius = max(1.5, box.width * scale / 90)
        if box != whole:
            edges = np.array([box.left, box.top, box.left + box.width, box.top + box.height])
            pen.rectangle(list(edges * scale), outline=_MIDDLE, width=max(1, round(radius / 2)))
        for name, (x, y) in zip(names, (face.keypoints + 0.5) * scale - 0.5, strict=True):
            corners = [x - radius, y - radius, x + radius, y + radius]
            pen.ellipse(corners, fill=_color(name), outline=(0, 0, 0))
    return copy


def write_annotated(
    file: str | os.PathLike, picture: Image.Image, faces: Sequence[Face], names: Sequence[str]
) -> None:
    """Writes an annotated copy as PNG; arguments as `annotated`.

    Raises:
        UserError: if the file cannot be written.
    """
    content = io.BytesIO()
    annotated(picture, faces, names).save(content, "PNG")
    atomic_write.write_bytes(file, content.getvalue())


def _color(name):
    if keypoint_schema.MIRRORS[name] == name:
        return _MIDDLE
    return _LEFT if "left" in name else _RIGHT
