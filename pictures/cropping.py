"""From a photograph to the square that a net sees, and its keypoints back again."""

import dataclasses
import math

import numpy as np
from PIL import Image

import keypoint_schema


@dataclasses.dataclass(frozen=True)
class Box:
    """A rectangle in a photograph, px from the outer corner of its top left pixel.

    So the whole photograph is `Box(0, 0, width, height)`. It may reach over the border.
    """

    left: float
    top: float
    width: float
    height: float

    @property
    def side(self) -> float:
        """That of the square of the same area, px."""
        return math.sqrt(self.width * self.height)


def crop(gray: np.ndarray, box: Box) -> np.ndarray:
    """Cuts out a box and scales it to 96×96; outside the picture its border goes on.

    The scaling is Pillow's bilinear one, which averages over all pixels that it shrinks, as the
    exported graph's `serve_bytes` does; both sides are scaled apart.

    Args:
        gray: uint8 `(height, width)`.
        box: of positive size.

    Returns:
        uint8 `(96, 96, 1)`.
    """
    # The filter reaches over the box by as many pixels as one pixel of the crop covers.
    reach = np.ceil(np.array([box.width, box.height]) / keypoint_schema.IMAGE_SIZE)
    margin = reach.astype(int) + 1
    x0, y0 = np.floor([box.left, box.top]).astype(int) - margin
    x1, y1 = np.ceil([box.left + box.width, box.top + box.height]).astype(int) + margin
    if box == Box(0, 0, gray.shape[1], gray.shape[0]):
        region, inner = gray, (0, 0, box.width, box.height)
    else:
        rows = np.clip(np.arange(y0, y1), 0, gray.shape[0] - 1)
        columns = np.clip(np.arange(x0, x1), 0, gray.shape[1] - 1)
        region = gray[np.ix_(rows, columns)]
        left, top = box.left - x0, box.top - y0
        inner = (left, top, left + box.width, top + box.height)
    size = (keypoint_schema.IMAGE_SIZE,) * 2
    face = Image.fromarray(region).resize(size, Image.Resampling.BILINEAR, box=inner)
    return np.asarray(face)[:, :, np.newaxis]


def to_photograph(keypoints: np.ndarray, box: Box) -> np.ndarray:
    """Carries keypoints of the 96×96 crop over to the photograph.

    In both, (0, 0) is the centre of the top left pixel, half a pixel inside the corner.

    Args:
        keypoints: `(K, 2)` px of the crop.
        box: what was cropped.

    Returns:
        `(K, 2)` px of the photograph.
    """
    scale = np.array([box.width, box.height]) / keypoint_schema.IMAGE_SIZE
    return np.array([box.left, box.top]) + (keypoints + 0.5) * scale - 0.5
