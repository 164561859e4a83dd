"""Draws keypoints on photographs."""

import numpy as np
from PIL import Image, ImageDraw

import keypoint_schema
from pictures.cropping import Box

# Okabe and Ito's, as in the figures: the person's left is orange, right blue, the middle white.
_LEFT, _RIGHT, _MIDDLE = (230, 159, 0), (86, 180, 233), (255, 255, 255)
_MIN_WIDTH = 480  # px; a small crop is enlarged, or its points would hide the face


def draw_faces(
    picture: Image.Image, faces: list[tuple[Box, np.ndarray]], names: tuple[str, ...]
) -> Image.Image:
    """A copy of the photograph with the faces' keypoints, and boxes where they are not the whole.

    Args:
        picture: upright, mode "L" or "RGB".
        faces: box, and keypoints `(K, 2)` in px of the photograph.
        names: the K keypoints'.

    Returns:
        An RGB picture; one less than 480 px wide is enlarged by a whole number.
    """
    scale = max(1, -(-_MIN_WIDTH // picture.width))
    drawn = picture.convert("RGB").resize(
        (picture.width * scale, picture.height * scale), Image.Resampling.BILINEAR
    )
    pen = ImageDraw.Draw(drawn)
    for box, keypoints in faces:
        # A keypoint's size follows the face, not the photograph, so that crowds stay readable.
        radius = max(1.5, box.width * scale / 90)
        if (box.left, box.top) != (0, 0):
            edge = [box.left, box.top, box.left + box.width, box.top + box.height]
            line = max(1, round(radius / 2))
            pen.rectangle([value * scale for value in edge], outline=_MIDDLE, width=line)
        for name, (x, y) in zip(names, (keypoints + 0.5) * scale - 0.5, strict=True):
            corners = [x - radius, y - radius, x + radius, y + radius]
            pen.ellipse(corners, fill=_color(name), outline=(0, 0, 0))
    return drawn


def _color(name):
    if keypoint_schema.MIRRORS[name] == name:
        return _MIDDLE
    return _LEFT if "left" in name else _RIGHT
