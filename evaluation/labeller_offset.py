"""The few constant pixels between a net's answers and where the second labeller puts keypoints.

Kaggle's labels come from two labellers (`keypoint_schema.is_partial`). A source-aware net answers
as the first one labels; this offset leads to the second one's labels.
"""

from collections.abc import Mapping, Sequence

import numpy as np


def measure(
    predicted: np.ndarray, actual: np.ndarray, names: Sequence[str]
) -> dict[str, list[float]]:
    """Mean of labels minus answers.

    Args:
        predicted: `(N, K, 2)` px.
        actual: `(N, K, 2)` px, the second labeller's labels alone; NaN elsewhere.
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
    by_second_labeller: np.ndarray,
    names: Sequence[str],
    offset_px: Mapping[str, Sequence[float]] | None,
) -> np.ndarray:
    """Answers as the labellers of their rows would place them.

    Args:
        predicted: `(N, K, 2)` px.
        by_second_labeller: bool `(N,)`, the rows that get the offset.
        names: the K keypoints'.
        offset_px: as `measure` returns it; None, and keypoints that it lacks, change nothing.

    Returns:
        The same shape; a copy.
    """
    known = offset_px or {}
    offset = np.array([known.get(name, (0.0, 0.0)) for name in names], predicted.dtype)
    return predicted + by_second_labeller[:, None, None] * offset
