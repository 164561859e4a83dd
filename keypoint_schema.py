"""The 15 facial keypoints: names, order, mirrors, specialists, image size and coordinate codec.

Everything that depends on the set of keypoints or their order is derived from this file: Kaggle's
column names, flip permutations, output sizes. It checks itself at import.
"""

import dataclasses
import sys
import types
from collections.abc import Mapping, Sequence

import numpy as np

IMAGE_SIZE = 96  # px, width and height of a face crop
IMAGE_SHAPE = (IMAGE_SIZE, IMAGE_SIZE, 1)  # of one image in an array

# Coordinates count from the centre of the top left pixel, so the middle of the picture is half a
# pixel before IMAGE_SIZE / 2, and negating a normalized x mirrors it exactly: x -> 95 - x.
IMAGE_CENTER = (IMAGE_SIZE - 1) / 2  # px
PIXELS_PER_UNIT = IMAGE_SIZE / 2  # px; RMSE in px = PIXELS_PER_UNIT * √(normalized MSE)


@dataclasses.dataclass(frozen=True)
class Keypoint:
    """A landmark, and the one that it becomes in a mirrored face (itself, if it is central)."""

    name: str
    mirror: str


# Left and right are the person's own: left_eye_center is on the right-hand side of the picture.
KEYPOINTS = (
    Keypoint("left_eye_center", mirror="right_eye_center"),
    Keypoint("right_eye_center", mirror="left_eye_center"),
    Keypoint("left_eye_inner_corner", mirror="right_eye_inner_corner"),
    Keypoint("left_eye_outer_corner", mirror="right_eye_outer_corner"),
    Keypoint("right_eye_inner_corner", mirror="left_eye_inner_corner"),
    Keypoint("right_eye_outer_corner", mirror="left_eye_outer_corner"),
    Keypoint("left_eyebrow_inner_end", mirror="right_eyebrow_inner_end"),
    Keypoint("left_eyebrow_outer_end", mirror="right_eyebrow_outer_end"),
    Keypoint("right_eyebrow_inner_end", mirror="left_eyebrow_inner_end"),
    Keypoint("right_eyebrow_outer_end", mirror="left_eyebrow_outer_end"),
    Keypoint("nose_tip", mirror="nose_tip"),
    Keypoint("mouth_left_corner", mirror="mouth_right_corner"),
    Keypoint("mouth_right_corner", mirror="mouth_left_corner"),
    Keypoint("mouth_center_top_lip", mirror="mouth_center_top_lip"),
    Keypoint("mouth_center_bottom_lip", mirror="mouth_center_bottom_lip"),
)
NAMES = tuple(keypoint.name for keypoint in KEYPOINTS)
MIRRORS = types.MappingProxyType({keypoint.name: keypoint.mirror for keypoint in KEYPOINTS})
NUM_KEYPOINTS = len(NAMES)


@dataclasses.dataclass(frozen=True)
class Specialist:
    """A net for some of the keypoints.

    Attributes:
        name: what its sub-model and its sub-folder are called.
        keypoints: names, in the schema's order.
        overrides: recipe fields that differ for this specialist (the tutorial's `kwargs`).
    """

    name: str
    keypoints: tuple[str, ...]
    overrides: Mapping[str, object] = dataclasses.field(default_factory=dict)


SPECIALISTS = (
    Specialist("eye_centers", ("left_eye_center", "right_eye_center")),
    Specialist("nose_tip", ("nose_tip",)),
    Specialist(
        "mouth_corners_top_lip",
        ("mouth_left_corner", "mouth_right_corner", "mouth_center_top_lip"),
    ),
    Specialist("bottom_lip", ("mouth_center_bottom_lip",)),
    Specialist(
        "eye_corners",
        (
            "left_eye_inner_corner",
            "left_eye_outer_corner",
            "right_eye_inner_corner",
            "right_eye_outer_corner",
        ),
    ),
    Specialist(
        "eyebrow_ends",
        (
            "left_eyebrow_inner_end",
            "left_eyebrow_outer_end",
            "right_eyebrow_inner_end",
            "right_eyebrow_outer_end",
        ),
    ),
)


def to_normalized(pixels):
    """Converts pixel coordinates of the 96×96 image to normalized ones, about −1 to 1.

    Plain arithmetic, the same for x and y: works on arrays and (symbolic) tensors of any shape.
    """
    return (pixels - IMAGE_CENTER) / PIXELS_PER_UNIT


def to_pixels(normalized):
    """Converts normalized coordinates to pixels of the 96×96 image; inverts `to_normalized`."""
    return normalized * PIXELS_PER_UNIT + IMAGE_CENTER


def column_names(names: Sequence[str] = NAMES) -> list[str]:
    """Returns Kaggle's coordinate columns: `<name>_x`, `<name>_y` for each keypoint, in order."""
    return [f"{name}_{axis}" for name in names for axis in "xy"]


def indices(names: Sequence[str]) -> np.ndarray:
    """Returns the positions of keypoints in the schema's order, `(K,)` int64.

    Raises:
        ValueError: if a name is unknown.
    """
    unknown = [name for name in names if name not in MIRRORS]
    if unknown:
        raise ValueError(f"Unknown keypoint {unknown[0]!r}. Known keypoints: {', '.join(NAMES)}.")
    return np.array([NAMES.index(name) for name in names], np.int64)


def flip_permutation(names: Sequence[str] = NAMES) -> np.ndarray:
    """Returns, for each keypoint, the position of its mirror in `names`.

    Args:
        names: keypoint names, a set that is closed under mirroring.

    Returns:
        `(K,)` int64 `p`, so that mirrored labels = mirrored coordinates `[p]`; its own inverse.

    Raises:
        ValueError: if a name is unknown, or its mirror is not among `names`.
    """
    names = list(names)
    indices(names)
    alone = [name for name in names if MIRRORS[name] not in names]
    if alone:
        raise ValueError(
            f"A flip needs both sides: {alone[0]!r} is there, but its mirror {MIRRORS[alone[0]]!r} "
            f"is not. Received: {names}."
        )
    return np.array([names.index(MIRRORS[name]) for name in names], np.int64)


@dataclasses.dataclass(frozen=True, eq=False)  # == on arrays is elementwise
class Mirror:
    """Maps the labels of a picture to those of its mirror image.

    x changes sign, and left and right are swapped. But labels need not be mirror-symmetric: a
    labeller, or the cropping, may shift every point slightly to the picture's left. That offset is
    the same in a mirrored picture: it does not change sign.

    Attributes:
        permutation: `(K,)` int64, from `flip_permutation`.
        offset: float32 `(K, 2)`, normalized, an array or a tensor: labels minus where symmetric
            ones would be. Its own mirror image with the sign reversed.
    """

    permutation: np.ndarray
    offset: np.ndarray

    @classmethod
    def of(cls, names: Sequence[str], offset_px: Mapping[str, Sequence[float]] | None = None):
        """Builds the mirror of these keypoints.

        Args:
            names: a set that is closed under mirroring.
            offset_px: (x, y) by keypoint name; zero for those that it lacks.

        Raises:
            ValueError: as `flip_permutation`.
        """
        known = offset_px or {}
        offset = np.array([known.get(name, (0.0, 0.0)) for name in names], np.float32)
        return cls(flip_permutation(names), offset / PIXELS_PER_UNIT)

    def repeated(self, times: int) -> "Mirror":
        """Returns the mirror of so many times these K keypoints, one after another."""
        starts = np.arange(times) * len(self.permutation)
        permutation = (starts[:, None] + self.permutation).reshape(-1)
        return Mirror(permutation, np.tile(self.offset, (times, 1)))

    def at(self, positions: np.ndarray) -> "Mirror":
        """Returns the mirror of the keypoints at these positions, a set closed under mirroring."""
        order = np.argsort(positions)
        permutation = order[np.searchsorted(positions, self.permutation[positions], sorter=order)]
        return Mirror(permutation, self.offset[positions])

    def __call__(self, keypoints):
        """Converts keypoints of pictures to those of the mirrored pictures.

        Args:
            keypoints: `(..., K, 2)`, normalized; a NumPy array or a TensorFlow tensor.

        Raises:
            ValueError: if there are not K of them.
        """
        if keypoints.shape[-2] != len(self.permutation):
            raise ValueError(
                f"A mirror of {len(self.permutation)} keypoints takes exactly that many. Received: "
                f"keypoints of shape {tuple(keypoints.shape)}."
            )
        swapped = _take(keypoints, self.permutation)
        return swapped * np.array([-1.0, 1.0], np.float32) + 2.0 * self.offset

    def in_pixels(self, keypoints):
        """Converts keypoints in px of the 96×96 image; otherwise like a call."""
        return to_pixels(self(to_normalized(keypoints)))

    def offset_px(self, names: Sequence[str]) -> dict[str, list[float]]:
        """Returns the offset in a form that JSON can hold and `of` reads."""
        return {
            name: [round(float(each) * PIXELS_PER_UNIT, 4) for each in offset]
            for name, offset in zip(names, self.offset, strict=True)
        }


def _take(keypoints, positions):
    if isinstance(keypoints, np.ndarray):
        return keypoints[..., positions, :]
    # Tensors lack such indexing. A caller that has one has already paid for TensorFlow's import.
    return sys.modules["tensorflow"].gather(keypoints, positions, axis=-2)


def _check():
    if len(set(NAMES)) != NUM_KEYPOINTS:
        raise AssertionError("Keypoint names must be unique.")
    for name, mirror in MIRRORS.items():
        if MIRRORS.get(mirror) != name:
            raise AssertionError(f"Mirrors must be mutual: {name!r} and {mirror!r} are not.")
    for specialist in SPECIALISTS:
        flip_permutation(specialist.keypoints)
        if list(indices(specialist.keypoints)) != sorted(indices(specialist.keypoints)):
            raise AssertionError(f"Specialist {specialist.name!r} must follow the schema's order.")
    if len({specialist.name for specialist in SPECIALISTS}) != len(SPECIALISTS):
        raise AssertionError("Specialist names must be unique.")
    covered = sorted(name for specialist in SPECIALISTS for name in specialist.keypoints)
    if covered != sorted(NAMES):
        raise AssertionError("The specialists must cover each keypoint exactly once.")


_check()
