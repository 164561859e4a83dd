"""Errors of a net's predictions, summed piece by piece."""

import numpy as np

import keypoint_schema
from data_pipeline import FaceData


class ErrorSums:
    """Sums of squared errors, by labeller and keypoint, over the labelled coordinates.

    Attributes:
        squares: float64 `(L, K)`, px².
        labels: int64 `(L, K)`, how many coordinates are labelled.
    """

    def __init__(self, data: FaceData):
        """Starts at zero, for faces of this data's labellers and keypoints."""
        shape = len(data.labellers), len(data.names)
        self.squares, self.labels = np.zeros(shape), np.zeros(shape, np.int64)

    def add(self, predicted: np.ndarray, faces: FaceData) -> None:
        """Adds some faces.

        Args:
            predicted: `(n, K, 2)` px, as each row's labeller puts the keypoints. One that is no
                number is an error like any other, and so are the sums.
            faces: n of them.
        """
        actual = np.asarray(faces.keypoints)
        labelled = np.isfinite(actual)
        squares = np.square(np.subtract(predicted, actual, dtype=np.float64))
        squares, labels = np.where(labelled, squares, 0).sum(-1), labelled.sum(-1)
        for number in range(len(self.squares)):
            own = faces.labelled_by == number
            self.squares[number] += squares[own].sum(0)
            self.labels[number] += labels[own].sum(0)

    def rmse_px(self, part=...) -> float:
        """The root mean squared error, of all or of `[labellers, keypoints]`; NaN if unlabelled."""
        labels = self.labels[part].sum()
        return float(np.sqrt(self.squares[part].sum() / labels)) if labels else float("nan")

    def loss(self) -> float:
        """The mean squared error in normalized units: what training lowers."""
        return (self.rmse_px() / keypoint_schema.PIXELS_PER_UNIT) ** 2
