"""Marks keypoints in photographs."""

import io
import os
import pathlib
import zlib
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
_MAX_ENLARGED = 4096  # px, on the longer side; a narrow strip would become enormous


def annotated(picture: Image.Image, faces: Sequence[Face], enlarge: bool = True) -> Image.Image:
    """A copy of a photograph with the faces' keypoints, and boxes where they are not the whole.

    Args:
        picture: of any mode.
        faces: with keypoints in px of the photograph. Where their uncertainty is known, it is the
            radius of a ring around each.
        enlarge: whether a picture less than 480 px wide is enlarged, by a whole number, to no more
            than 4,096 px on its longer side.

    Returns:
        An RGB picture.
    """
    scale = 1
    if enlarge:
        scale = min(-(-_MIN_WIDTH // picture.width), max(1, _MAX_ENLARGED // max(picture.size)))
    copy = picture.convert("RGB") if picture.mode != "RGB" else picture.copy()
    if scale > 1:
        size = (picture.width * scale, picture.height * scale)
        copy = copy.resize(size, Image.Resampling.BILINEAR)
    pen = ImageDraw.Draw(copy)
    whole = Box(0, 0, *picture.size)
    for face in faces:
        box = face.box
        # A keypoint's size follows the face, so that crowds stay readable, but can be seen when the
        # whole photograph fills a screen.
        radius = max(1.5, box.width * scale / 90, max(copy.size) / 700)
        if box != whole:
            edges = np.array([box.left, box.top, box.left + box.width, box.top + box.height])
            pen.rectangle(list(edges * scale), outline=_MIDDLE, width=max(1, round(radius / 2)))
        points = dict(zip(face.names, (face.points + 0.5) * scale - 0.5, strict=True))
        for name, px in face.uncertainty_by_name.items():
            ring, width = _circle(*points[name], px * scale), max(1, round(radius / 2))
            pen.ellipse(ring, outline=keypoint_color(name), width=width)
        for name, point in points.items():
            pen.ellipse(_circle(*point, radius), fill=keypoint_color(name), outline=(0, 0, 0))
    return copy


def _circle(x, y, radius):
    return [x - radius, y - radius, x + radius, y + radius]


def write_annotated(file: str | os.PathLike, picture: Image.Image, faces: Sequence[Face]) -> None:
    """Writes an annotated copy, as PNG or JPEG by the file's name; arguments as `annotated`.

    Raises:
        UserError: if the file cannot be written.
    """
    content = io.BytesIO()
    is_jpeg = pathlib.Path(file).suffix == ".jpg"
    # PNG at its fastest takes a fifth of the time, and a fifth more space. Looking for repeated
    # pixels alone takes a fifth off again, and a tenth off the space: photographs repeat no more.
    png = {"format": "PNG", "compress_level": 1, "compress_type": zlib.Z_RLE}
    how = {"format": "JPEG", "quality": 92} if is_jpeg else png
    with atomic_write.refusals_named(file):  # of the encoder: a picture too large for JPEG
        annotated(picture, faces).save(content, **how)
    atomic_write.write_bytes(file, content.getvalue())


def keypoint_color(name: str) -> tuple[int, int, int]:
    """Returns the RGB colour of a keypoint, by its side of the person."""
    if keypoint_schema.MIRRORS[name] == name:
        return _MIDDLE
    return _LEFT if "left" in name else _RIGHT
