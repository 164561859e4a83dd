"""Who labelled which face: every labeller puts the same keypoint at a slightly different place.

A net learns from L labellers by predicting L·K keypoints: all K as the first labeller puts them,
then as the second does, and so on. A face trains those of its own labeller alone; everything before
the output layer is shared.

Kaggle's rows come from two labellers: the full labeller labelled (nearly) all keypoints of a face,
the four-point labeller only `FOUR_POINTS`. A recipe may tell these two apart as well.
"""

from collections.abc import Sequence

import numpy as np

from errors import UserError

FOUR_POINTS = ("left_eye_center", "right_eye_center", "nose_tip", "mouth_center_bottom_lip")
UNNAMED = ("unnamed",)  # the labellers of faces, or of a net, about whose labeller nothing is known
_SUFFIX = ".four_point"


def is_four_point(labelled: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Finds the four-point labeller's faces: those labelled with no other keypoints.

    In Kaggle's training table these are exactly the rows from 2,284 on.

    Args:
        labelled: bool `(N, K)`, the keypoints for which each face has labels, or is asked.
        names: of the K keypoints. If all are among the four, the labellers cannot be told apart.

    Returns:
        bool `(N,)`.
    """
    among = np.isin(names, FOUR_POINTS)
    return labelled.any(1) & ~labelled[:, ~among].any(1)


def four_point(labeller: str) -> str:
    """Returns the name of the four-point labeller of the same data."""
    return labeller + _SUFFIX


def full(labeller: str) -> str:
    """Returns the name of the full labeller of the same data: its own, unless it is four-point."""
    return labeller.removesuffix(_SUFFIX)


def require_own_name(labeller: str):
    """Checks that a labeller's name, such as that of its data's folder, is not reserved.

    Raises:
        UserError: if it is.
    """
    if full(labeller) != labeller:
        raise UserError(
            f"A labeller's name must not end with {_SUFFIX}, which stands for another's four-point "
            f"rows. Received: {labeller!r}. Rename the data's folder, or choose another name."
        )


def positions(labellers: Sequence[str], labeller: str, names: Sequence[str]) -> np.ndarray:
    """Finds one labeller's K keypoints among the L·K of a net.

    A four-point labeller has only four of its own; the others are its full labeller's.

    Args:
        labellers: all L of them.
        labeller: one of them.
        names: of the K keypoints.

    Returns:
        int `(K,)`.
    """
    keypoints = np.arange(len(names))
    own = labellers.index(labeller) * len(names) + keypoints
    others = labellers.index(full(labeller)) * len(names) + keypoints
    return np.where(np.isin(names, FOUR_POINTS), own, others)
