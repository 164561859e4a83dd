"""All that is measured about a net on a data set, with confidence intervals."""

import dataclasses
import enum
from collections.abc import Callable, Mapping

import numpy as np

import keypoint_schema
from evaluation import bootstrap, metrics
from evaluation.bootstrap import Comparison, Estimate
from evaluation.history import History


class LabelScope(enum.Enum):
    """Which labels a net is judged by, and whether it may have trained on them."""

    HELD_OUT = enum.auto()  # of faces that its own run held out
    SEEN_BEFORE = enum.auto()  # the same, but a net that its run builds on had seen some
    HELD_OUT_BY_ANOTHER = enum.auto()  # of faces that another run held out: it knows no split
    HELD_OUT_OF_OTHER_DATA = enum.auto()  # the same, of other data than it trained on
    TRAINED_ON = enum.auto()  # every label, also those that it trained on
    OTHER_DATA = enum.auto()  # every label, of other data than it trained on
    UNKNOWN = enum.auto()  # every label, and what it trained on is not known


@dataclasses.dataclass(frozen=True)
class NetPredictions:
    """What a net predicts for N faces, and the labels that it is judged by.

    All keypoints are in the schema's order; a net that lacks some has NaN there.

    Attributes:
        name: what tables and figures call the net.
        description: what it is, in a few words.
        predicted: `(N, 15, 2)` px.
        judged_labels: `(N, 15, 2)` px, the labels that it is judged by; NaN elsewhere.
        training_labels: the same for those that it trained on; None if that is not known.
        scope: which labels `judged_labels` are.
        of_specialists: whether specialists predict it. Then `epochs` is their sum, and the two
            losses are means weighted by how many values each predicts.
        epochs: how many it was trained; None if not known (as below).
        train_loss: of the epoch that was kept, as training logged it, with dropout at work.
        valid_loss: of the epoch that was kept, as training logged it.
    """

    name: str
    description: str
    predicted: np.ndarray
    judged_labels: np.ndarray
    training_labels: np.ndarray | None = None
    scope: LabelScope = LabelScope.HELD_OUT
    of_specialists: bool = False
    epochs: int | None = None
    train_loss: float | None = None
    valid_loss: float | None = None


@dataclasses.dataclass(frozen=True)
class Net:
    """A net to be judged.

    Attributes:
        predictions: for all faces of the data set.
        predict_all: images `(M, 96, 96, 1)` → `(M, 15, 2)` px, NaN for keypoints that it lacks.
        histories: of its training, by its name or by those of its specialists or folds.
        model: the Keras model, whose first layers are drawn; None for an exported model.
    """

    predictions: NetPredictions
    predict_all: Callable[[np.ndarray], np.ndarray]
    histories: Mapping[str, History]
    model: object = None


@dataclasses.dataclass(frozen=True)
class Judgement:
    """A net's figures; the estimates are over the labels that it is judged by.

    Attributes:
        net: what was judged.
        faces: how many faces have a label that counts.
        labels: how many coordinates count.
        rmse_px: root mean squared error, px.
        nme: mean error as a fraction of the distance between the eyes.
        failure_rate: fraction of faces whose NME is above the threshold.
        auc: area under the cumulative error curve up to the threshold, 1 at best.
        plain_train_loss: loss on the training labels without dropout; None if not known.
        keypoints: RMSE px by keypoint.
        specialists: RMSE px by specialist.
        face_nme: `(N,)`, NaN for faces that have none.
    """

    net: NetPredictions
    faces: int
    labels: int
    rmse_px: Estimate
    nme: Estimate
    failure_rate: Estimate
    auc: Estimate
    plain_train_loss: float | None
    keypoints: Mapping[str, Estimate]
    specialists: Mapping[str, Estimate]
    face_nme: np.ndarray

    @property
    def name(self) -> str:
        return self.net.name


def judge(
    net: NetPredictions,
    labels: np.ndarray,
    groups: np.ndarray,
    threshold: float,
) -> Judgement:
    """Measures a net.

    Args:
        net: its predictions for N faces.
        labels: `(N, 15, 2)` px, all labels, for the distance between the eyes.
        groups: int `(N,)`, faces that the bootstrap resamples together.
        threshold: NME above which a face counts as a failure.
    """
    distance = metrics.inter_ocular_distance(labels)
    face_nme = metrics.face_nme(net.predicted, net.judged_labels, distance)
    squared = metrics.rmse_px(net.predicted, net.judged_labels)

    def rmse_of(names):
        columns = keypoint_schema.indices(names)
        return metrics.rmse_px(net.predicted[:, columns], net.judged_labels[:, columns])

    known = [
        name
        for name, column in zip(keypoint_schema.NAMES, net.predicted[0], strict=True)
        if np.isfinite(column).all()
    ]
    overall = {
        "rmse_px": squared,
        "nme": metrics.mean_nme(face_nme),
        "failure_rate": metrics.failure_rate(face_nme, threshold),
        "auc": metrics.error_curve_auc(face_nme, threshold),
    }
    keypoints = {name: rmse_of([name]) for name in known}
    specialists = {
        specialist.name: rmse_of(specialist.keypoints)
        for specialist in keypoint_schema.SPECIALISTS
        if set(specialist.keypoints) <= set(known)
    }
    ratios = [*overall.values(), *keypoints.values(), *specialists.values()]
    estimates = iter(bootstrap.estimates(ratios, groups))
    return Judgement(
        net=net,
        faces=int((squared.denominators > 0).sum()),
        labels=int(squared.denominators.sum()),
        **{name: next(estimates) for name in overall},
        plain_train_loss=None
        if net.training_labels is None
        else metrics.loss(net.predicted, net.training_labels),
        keypoints={name: next(estimates) for name in keypoints},
        specialists={name: next(estimates) for name in specialists},
        face_nme=face_nme,
    )


def compare(first: NetPredictions, second: NetPredictions, groups: np.ndarray) -> Comparison | None:
    """Compares two nets by the labels that both predict and both are judged by.

    Returns:
        None if there is no such label.
    """
    both = np.isfinite(first.judged_labels) & np.isfinite(second.judged_labels)
    both &= np.isfinite(first.predicted) & np.isfinite(second.predicted)
    if not both.any():
        return None
    labels = np.where(both, first.judged_labels, np.nan)
    ratios = [metrics.rmse_px(net.predicted, labels) for net in (first, second)]
    return Comparison(
        first=first.name,
        second=second.name,
        faces=int((ratios[0].denominators > 0).sum()),
        difference=bootstrap.difference(*ratios, groups),
    )
