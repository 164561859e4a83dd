"""The tables of `evaluate.py`: nets, errors, specialists, keypoints, comparisons."""

import math
from collections.abc import Sequence

import numpy as np

import keypoint_schema
from evaluation import bootstrap
from evaluation.bootstrap import Comparison, Estimate
from evaluation.judgement import Judgement, LabelScope
from evaluation.metrics import percent
from evaluation.table import Table

_INTERVAL = f"{bootstrap.CONFIDENCE:.0%} intervals in brackets, by bootstrap"
MISSING = "–"
_SCOPES = {
    LabelScope.HELD_OUT: (
        "every label of the faces that each net's run held out, also of faces that lack some "
        "keypoints. The RMSE at the end of a training may differ: by most recipes it is over the "
        "held-out faces that have all the net's keypoints"
    ),
    LabelScope.SEEN_BEFORE: (
        "the faces that each net's run held out; but the net that it began with, or learned from, "
        "had seen some of them, which flatters it"
    ),
    LabelScope.HELD_OUT_BY_ANOTHER: (
        "the faces that another run here held out, since an exported model knows no split; it "
        "may have been trained on some of them"
    ),
    LabelScope.HELD_OUT_OF_OTHER_DATA: (
        "the faces that another run here held out; by their fingerprint, the net trained on other "
        "data"
    ),
    LabelScope.TRAINED_ON: "every label, also those that the net trained on, which flatters it",
    LabelScope.OTHER_DATA: "every label; by their fingerprint, the net trained on other data",
    LabelScope.UNKNOWN: "every label; an exported model may have been trained on some of them",
}
_NETS_WITH_INTERVALS = 4  # side by side; the files have all of them


def summary_table(judgements: Sequence[Judgement]) -> Table:
    """The tutorial's table of nets, with the RMSE and which labels it is over."""
    columns = ["net", "description", "epochs", "train loss", "without dropout", "valid loss"]
    return Table(
        title="Nets",
        columns=[*columns, "RMSE px"],
        rows=[_summary_row(judgement) for judgement in judgements],
        note=(
            f"{_INTERVAL}. Losses are mean squared errors in normalized units, also for nets that "
            "are trained with another loss: train and valid loss as logged at the epoch whose "
            "weights were kept, without a flip average; “without dropout” is the loss of the "
            "finished net on its training rows, with the flip average if one was asked for."
            f"{_about_specialists(judgements)} {_which_labels(judgements)}"
        ),
        text_columns=(0, 1),
    )


def error_table(judgements: Sequence[Judgement], threshold: float) -> Table:
    """Errors by the size of the face, as papers give them."""
    rows = [
        [
            judgement.name,
            _interval(judgement.nme, ".2%"),
            _interval(judgement.failure_rate, ".1%"),
            _interval(judgement.auc, ".3f"),
            f"{np.isfinite(judgement.face_nme).sum():,}",
            f"{judgement.labels:,}",
        ]
        for judgement in judgements
    ]
    return Table(
        title="Errors by the distance between the eyes",
        columns=["net", "NME", f"NME > {percent(threshold)}", "AUC", "faces", "coordinates"],
        rows=rows,
        note=(
            f"{_INTERVAL}. NME: a face's mean error by the distance between its eye centres, "
            "averaged over the faces where both centres are labelled; the fraction of them where "
            f"it is above {percent(threshold)}; the area under the cumulative error curve up to "
            "there, 1 at best."
        ),
    )


def specialist_table(judgements: Sequence[Judgement]) -> Table:
    """RMSE px of every net on the keypoints of each specialist."""
    names = [specialist.name for specialist in keypoint_schema.SPECIALISTS]
    rows = [[name, *(judged.specialists.get(name) for judged in judgements)] for name in names]
    return _by_net("RMSE px by specialist", "specialist", rows, judgements)


def keypoint_table(judgements: Sequence[Judgement]) -> Table:
    """RMSE px of every net on each keypoint."""
    names = keypoint_schema.NAMES
    rows = [[name, *(judged.keypoints.get(name) for judged in judgements)] for name in names]
    return _by_net("RMSE px by keypoint", "keypoint", rows, judgements)


def comparison_table(comparisons: Sequence[Comparison]) -> Table:
    """Each net beside the one before it, on the labels that both are judged by."""
    rows = [
        [
            f"{comparison.second} − {comparison.first}",
            pixels(comparison.difference, sign="+"),
            f"{comparison.faces:,}",
            comparison.verdict(),
        ]
        for comparison in comparisons
    ]
    return Table(
        title="Paired comparison",
        columns=["nets", "difference in RMSE px", "faces", "verdict"],
        rows=rows,
        note=f"{_INTERVAL}, both nets on the same resamples; below 0 the net named first is "
        "better.",
        text_columns=(0, 3),
    )


def pixels(estimate: Estimate | None, sign: str = "") -> str:
    """An estimate in px as text, `2.17 [2.05, 2.30]`."""
    return _interval(estimate, f"{sign}.2f")


def _about_specialists(judgements):
    if not any(judgement.net.of_specialists for judgement in judgements):
        return ""
    return (
        " Of specialists, epochs are a sum, and train and valid loss are means weighted by how "
        "many values each predicts; “without dropout” is over all labels together, so it may "
        "differ without any dropout."
    )


def _which_labels(judgements):
    """A sentence for each scope of labels, with the nets' names if there are several."""
    nets = {}
    for judgement in judgements:
        nets.setdefault(judgement.net.scope, []).append(judgement.name)
    if len(nets) == 1:
        return f"RMSE is over {_SCOPES[next(iter(nets))]}."
    return " ".join(
        f"RMSE of {', '.join(names)} is over {_SCOPES[scope]}." for scope, names in nets.items()
    )


def _summary_row(judgement):
    net = judgement.net
    return [
        net.name,
        net.description,
        MISSING if net.epochs is None else f"{net.epochs:,}",
        _loss(net.train_loss),
        _loss(judgement.plain_train_loss),
        _loss(net.valid_loss),
        pixels(judgement.rmse_px),
    ]


def _by_net(title, heading, rows, judgements):
    """A column a net; with intervals as long as they fit on a line."""
    with_intervals = len(judgements) <= _NETS_WITH_INTERVALS
    show = pixels if with_intervals else _value
    return Table(
        title=title,
        columns=[heading, *(judgement.name for judgement in judgements)],
        rows=[[name.replace("_", " "), *map(show, estimates)] for name, *estimates in rows],
    )


def _value(estimate):
    return MISSING if _is_missing(estimate) else f"{estimate.value:.2f}"


def _interval(estimate, form):
    if _is_missing(estimate):
        return MISSING
    value = format(estimate.value, form)
    if math.isnan(estimate.low):
        return value
    return f"{value} [{format(estimate.low, form)}, {format(estimate.high, form)}]"


def _is_missing(estimate):
    """The net lacks the keypoint, or no face has a label for it."""
    return estimate is None or math.isnan(estimate.value)


def _loss(value):
    return MISSING if value is None or math.isnan(value) else f"{value:.6f}"
