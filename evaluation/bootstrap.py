"""Confidence intervals, and whether one net is better than another, by resampling faces.

Faces are resampled in whole groups (the frames of one person, copies of one picture): a dozen
nearly equal frames are one observation, and counting them as twelve would make intervals far too
narrow.
Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), percentile method.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from evaluation.metrics import Ratio

RESAMPLES = 2000  # the ends of a 95 % interval then lie on the 50th draw from either side
CONFIDENCE = 0.95
_CHUNK = 200  # resamples at once; 7,049 groups then take 11 MB


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number with its confidence interval; the ends are NaN where there is only one group."""

    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two nets on the same labels.

    Attributes:
        first: name of the first net.
        second: name of the second net.
        faces: how many faces both are judged by.
        difference: the second's RMSE px minus the first's; below 0 the second is better.
    """

    first: str
    second: str
    faces: int
    difference: Estimate

    def verdict(self) -> str:
        """Which net is better, if the interval excludes 0."""
        if self.difference.high < 0:
            return f"better: {self.second}"
        if self.difference.low > 0:
            return f"better: {self.first}"
        return "no difference shown"


def estimate(metric: Ratio, groups: np.ndarray) -> Estimate:
    """A metric with its confidence interval.

    Args:
        metric: per-face numerators and denominators, `(N,)` each.
        groups: int `(N,)`, faces that are resampled together.
    """
    return estimates([metric], groups)[0]


def estimates(metrics: Sequence[Ratio], groups: np.ndarray) -> list[Estimate]:
    """Several metrics, each as by `estimate`, in much less time."""
    draws = _resampled([[metric] for metric in metrics], groups)
    pairs = zip(metrics, draws, strict=True)
    return [_interval(metric.value(), draw[:, 0]) for metric, draw in pairs]


def difference(first: Ratio, second: Ratio, groups: np.ndarray) -> Estimate:
    """`second` minus `first` on the same faces, with its interval from paired resamples."""
    (draws,) = _resampled([[first, second]], groups)
    return _interval(second.value() - first.value(), draws[:, 1] - draws[:, 0])


def _resampled(jointly, groups):
    """The metrics of every resample: for each list of them, `(RESAMPLES, len(metrics))`."""
    sums = [_group_sums(metrics, groups) for metrics in jointly]
    totals = [[] for _ in jointly]
    for num_groups in {len(each) for each in sums}:
        # Drawing takes nearly all the time, and depends on nothing but the number of groups.
        for draws in _draws(num_groups):
            for each, of_resamples in zip(sums, totals, strict=True):
                if len(each) == num_groups:
                    with np.errstate(invalid="ignore"):  # a net may answer infinity
                        of_resamples.append(draws @ each)
    return [
        _of_totals(metrics, np.concatenate(each))
        for metrics, each in zip(jointly, totals, strict=True)
    ]


def _group_sums(metrics, groups):
    """Each metric's numerator and denominator by group, `(groups, 2 · len(metrics))`."""
    counts = np.any([metric.denominators > 0 for metric in metrics], axis=0)
    _, group = np.unique(np.asarray(groups)[counts], return_inverse=True)
    parts = [part for metric in metrics for part in (metric.numerators, metric.denominators)]
    return np.stack([np.bincount(group, part[counts]) for part in parts], axis=1)


def _draws(num_groups):
    """How often each resample has each group, `(_CHUNK, num_groups)` at a time."""
    generator = np.random.default_rng(0)  # the same draws each time
    for _ in range(RESAMPLES // _CHUNK):
        if num_groups < 2:
            yield np.full((_CHUNK, num_groups), np.nan)
        else:
            chances = np.full(num_groups, 1 / num_groups)
            yield generator.multinomial(num_groups, chances, _CHUNK).astype(float)


def _of_totals(metrics, totals):
    with np.errstate(invalid="ignore"):
        ratios = totals[:, 0::2] / totals[:, 1::2]
    return np.stack([metric.of(ratios[:, i]) for i, metric in enumerate(metrics)], axis=1)


def _interval(value, draws):
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return Estimate(value, float("nan"), float("nan"))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))
