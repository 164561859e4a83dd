"""How far predicted keypoints are from the labels, for faces that may lack some of them.

Every metric here is a sum over faces divided by another sum over faces, which is what lets
`evaluation.bootstrap` resample them all alike.
"""

import dataclasses

import numpy as np

import keypoint_schema

EYES = ("left_eye_center", "right_eye_center")
OUTER_CORNERS = ("left_eye_outer_corner", "right_eye_outer_corner")


@dataclasses.dataclass(frozen=True)
class Ratio:
    """A metric as Σ numerators / Σ denominators over faces.

    Attributes:
        numerators: float64 `(N,)`, a face's share; 0 where it does not count.
        denominators: float64 `(N,)`, its weight (labels, or 1); 0 where it does not count.
        root: whether the metric is the square root of the ratio.
    """

    numerators: np.ndarray
    denominators: np.ndarray
    root: bool = False

    def value(self) -> float:
        """The metric over all faces; NaN if none counts."""
        total = self.denominators.sum()
        return float(self.of(self.numerators.sum() / total)) if total else float("nan")

    def of(self, ratios):
        """The metric, from ratios of any shape."""
        return np.sqrt(ratios) if self.root else ratios


def rmse_px(predicted: np.ndarray, actual: np.ndarray) -> Ratio:
    """Root mean squared error over the labelled coordinates, as Kaggle scores.

    Args:
        predicted: `(N, K, 2)` in px; NaN for every face where the net has no such keypoint. A
            single answer that is no number is an error like any other, and so is the metric.
        actual: `(N, K, 2)` in px, NaN where unlabelled.
    """
    has_keypoint = ~np.isnan(predicted).all(axis=(0, 2), keepdims=True)
    counted = np.isfinite(actual) & has_keypoint
    squares = np.subtract(predicted, actual, dtype=np.float64)
    np.square(squares, out=squares)  # of millions of faces, each copy counts
    return Ratio(squares.sum((1, 2), where=counted), counted.sum((1, 2)).astype(float), root=True)


def loss(predicted: np.ndarray, actual: np.ndarray) -> float:
    """Mean squared error in normalized units over the labelled coordinates: what training lowers.

    Args and NaN: as in `rmse_px`.
    """
    return (rmse_px(predicted, actual).value() / keypoint_schema.PIXELS_PER_UNIT) ** 2


def inter_ocular_distance(actual: np.ndarray, between=EYES) -> np.ndarray:
    """Distance between the labelled eye centres, `(N,)` px; NaN where one is unlabelled.

    300-W takes the outer corners of the eyes (`between` is then `OUTER_CORNERS`); Kaggle labels
    these in a third of the faces only, but the centres in nearly all.
    """
    eyes = np.asarray(actual, np.float64)[:, keypoint_schema.indices(between)]
    return np.linalg.norm(eyes[:, 0] - eyes[:, 1], axis=1)


def face_nme(predicted: np.ndarray, actual: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Normalized mean error of each face.

    Args:
        predicted: `(N, K, 2)` px.
        actual: `(N, K, 2)` px, NaN where unlabelled.
        distance: `(N,)` px from `inter_ocular_distance`.

    Returns:
        float64 `(N,)`: mean distance between prediction and label over the face's labelled
        keypoints, divided by `distance`; NaN for faces without labels, or without `distance`.
    """
    errors = np.linalg.norm(np.asarray(predicted, np.float64) - actual, axis=2)
    counts = np.isfinite(errors).sum(1)
    sums = np.where(np.isfinite(errors), errors, 0).sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(
            counts > 0, sums / counts / np.where(distance > 0, distance, np.nan), np.nan
        )


def mean_nme(nme: np.ndarray) -> Ratio:
    """The mean of `face_nme` over the faces that have one."""
    return _face_mean(nme, nme)


def failure_rate(nme: np.ndarray, threshold: float) -> Ratio:
    """The fraction of faces whose NME is above the threshold."""
    return _face_mean(nme, nme > threshold)


def percent(threshold: float) -> str:
    """A threshold as text, with the digits that it needs: `12.5%`."""
    return f"{100 * threshold:.3g}%"


def error_curve_auc(nme: np.ndarray, threshold: float) -> Ratio:
    """The area under the cumulative error curve from 0 to the threshold, as a fraction of all.

    Exact, since the curve is a sum of steps: a face adds what is right of its own error.
    """
    with np.errstate(invalid="ignore"):
        return _face_mean(nme, np.clip(1 - nme / threshold, 0, 1))


def error_curve(nme: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """The cumulative error curve, to be drawn as steps.

    Returns:
        Errors from 0 to `limit`, and the fraction of faces whose NME is at most each.
    """
    known = np.sort(nme[np.isfinite(nme)])
    within = known[known <= limit]
    fractions = np.arange(1, len(within) + 1) / max(len(known), 1)
    last = fractions[-1] if len(fractions) else 0.0
    return np.concatenate([[0], within, [limit]]), np.concatenate([[0], fractions, [last]])


def _face_mean(nme, values):
    known = np.isfinite(nme)
    return Ratio(np.where(known, values, 0).astype(float), known.astype(float))
