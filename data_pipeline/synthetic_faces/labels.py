"""Kaggle's pattern of missing labels, for the drawn faces."""

import numpy as np

import keypoint_schema

# How often each set of keypoints is labelled in the 7,049 rows of Kaggle's training.csv. A set is
# a number whose bit i stands for keypoint i in the schema's order. 32767 is all 15; 17411 is the
# four that two thirds of the rows carry: eye centres, nose tip and middle of the bottom lip.
_LABELLED = {
    17411: 4755, 32767: 2140, 32639: 31, 32255: 26, 16383: 13, 1027: 10, 32127: 6, 32759: 4,
    28671: 4, 31807: 3, 32717: 3, 8191: 3, 2047: 3, 30719: 3, 31787: 3, 32763: 2, 32631: 2,
    31999: 2, 32447: 2, 32755: 2, 30591: 2, 32223: 2,
}  # fmt: skip
_LABELLED_ONCE = (
    26573, 31871, 32719, 32747, 32748, 32575, 26623, 1375, 32732, 32704, 1911, 32764, 28639, 1535,
    32511, 32333, 32765, 32574, 32640, 30583, 31744, 32735, 32119, 30706, 27904, 16255, 32566,
    32751,
)  # fmt: skip


def labelled_patterns():
    """The sets of labelled keypoints in Kaggle's training table and their numbers of rows.

    Returns:
        bool `(50, 15)`, True where labelled, in the schema's order; int64 `(50,)`, in all 7,049.
    """
    counts = _LABELLED | dict.fromkeys(_LABELLED_ONCE, 1)
    bits = np.array(list(counts))[:, None] >> np.arange(keypoint_schema.NUM_KEYPOINTS)
    return (bits & 1).astype(bool), np.array(list(counts.values()))


def hide_labels(keypoints, seed):
    """Removes labels as often, and as much together, as they are missing in Kaggle's table.

    Args:
        keypoints: `(N, 15, 2)`, in the schema's order.
        seed: int ≥ 0.

    Returns:
        A copy, NaN (x and y together) where a label is hidden; row i depends on (seed, i) alone.
    """
    patterns, counts = labelled_patterns()
    rng = np.random.default_rng([seed, 0])
    rows = rng.integers(counts.sum(), size=len(keypoints))
    labelled = patterns[np.searchsorted(np.cumsum(counts), rows, side="right")]
    return np.where(labelled[..., None], keypoints, np.nan).astype(keypoints.dtype)
