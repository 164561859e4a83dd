"""The few constant pixels between a net's answers and where the four-point labeller puts keypoints.

Kaggle's labels come from two labellers (`keypoint_schema.is_four_point`). A source-aware net
answers as the full labeller labels; this offset leads to the labels of the other one.
"""

from collections.abc import Mapping, Sequence

import numpy as np


def measure(
    predicted: np.ndarray, actual: np.ndarray, names: Sequence[str]
) -> dict[str, list[float]]:
    """Mean of labels minus answers.

    Args:
        predicted: `(N, K, 2)` px.
        actual: `(N, K, 2)` px, the four-point labeller's labels alone; NaN elsewhere.
        names: the K keypoints'.

    Returns:
        By keypoint name, (x, y) in px, as JSON can hold it; only keypoints with labels.
    """
    errors = np.asarray(actual, np.float64) - predicted
    return {
        name: [round(float(each), 4) for each in np.nanmean(errors[:, k], axis=0)]
        for k, name in enumerate(names)
        if np.isfinite(errors[:, k]).any()
    }


def add(
    predicted: np.ndarray,
    by_four_point_labeller: np.ndarray,
    names: Sequence[str],
    offset_px: Mapping[str, Sequence[float]] | None,
) -> np.ndarray:
    """Answers as the labellers of their rows would place them.

    Args:
        predicted: `(N, K, 2)` px.
        by_four_point_labeller: bool `(N,)`, the rows that get the offset.
        names: the K keypoints'.
        offset_px: as `measure` returns it; None, and keypoints that it lacks, change nothing.

    Returns:
        The same shape; a copy.
    """
    known = offset_px or {}
    offset = np.array([known.get(name, (0.0, 0.0)) for name in names], predicted.dtype)
    return predicted + by_four_point_labeller[:, None, None] * offset
