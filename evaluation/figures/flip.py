"""A face and its mirror image: labels must move, and left and right must be swapped."""

import numpy as np
from matplotlib.figure import Figure

from evaluation.figures import style
from keypoint_schema import MIRRORS, NAMES, Mirror


@style.styled
def flip(image: np.ndarray, keypoints: np.ndarray) -> Figure:
    """Draws a face, its flip with coordinates mirrored only, and its flip with labels swapped.

    Left keypoints (the person's own left) are orange circles, right ones blue squares, so that
    what the missing swap gets wrong is seen at once.

    Args:
        image: `(96, 96, 1)`, 0–255.
        keypoints: `(15, 2)` px, in the schema's order; NaN where unlabelled.
    """
    mirror = Mirror.of(NAMES)
    swapped = mirror.in_pixels(keypoints)
    panels = (
        ("a face", image, keypoints),
        ("flipped, labels not swapped: wrong", image[:, ::-1], swapped[mirror.permutation]),
        ("flipped, labels swapped", image[:, ::-1], swapped),
    )
    figure, axes = style.face_grid(1, 3, "A face and its flip", cell=3.2, captions=True)
    for axis, (caption, picture, points) in zip(axes.flat, panels, strict=True):
        style.draw_face(axis, picture)
        axis.set_title(caption, fontsize=10, fontweight="normal", loc="center")
        for side, (color, marker) in _SIDES.items():
            chosen = [side == _side(name) for name in NAMES]
            axis.scatter(
                *points[chosen].T, s=34, c=color, marker=marker, linewidths=0.7, edgecolors="black"
            )
    style.point_legend(figure, {f"{side} keypoint": look for side, look in _SIDES.items()})
    return figure


_SIDES = {
    "left": (style.ORANGE, "o"),
    "right": (style.BLUE, "s"),
    "middle": ("#ffffff", "D"),
}


def _side(name):
    if MIRRORS[name] == name:
        return "middle"
    return "left" if "left" in name else "right"
