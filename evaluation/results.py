"""Several nets judged by one data set: as tables, CSV, JSON and Markdown."""

import csv
import dataclasses
import io
import itertools
import json
import math
from collections.abc import Sequence

import numpy as np

import keypoint_schema
from evaluation import tables
from evaluation.bootstrap import Comparison, Estimate
from evaluation.judgement import Judgement, NetPredictions, compare
from evaluation.table import Table

_ESTIMATES = ("rmse_px", "nme", "failure_rate", "auc")


@dataclasses.dataclass(frozen=True)
class Results:
    """What was measured.

    Attributes:
        about: a sentence on the data and on how they were used.
        rows: which faces counted, "validation" or "all".
        threshold: NME above which a face counts as a failure.
        judgements: of the nets, in their order.
        comparisons: each net beside the one before it, where both are judged by the same labels.
    """

    about: str
    rows: str
    threshold: float
    judgements: Sequence[Judgement]
    comparisons: Sequence[Comparison]

    def tables(self) -> list[Table]:
        """The tables to be read, the most important first."""
        paired = [tables.comparison_table(self.comparisons)] if self.comparisons else []
        return [
            tables.summary_table(self.judgements),
            tables.error_table(self.judgements, self.threshold),
            *paired,
            tables.specialist_table(self.judgements),
            tables.keypoint_table(self.judgements),
        ]

    def to_markdown(self) -> str:
        return "\n".join([f"{self.about}\n", *(table.to_markdown() for table in self.tables())])

    def to_csv(self) -> str:
        """A row a net; an estimate `x` has the columns `x`, `x_low` and `x_high`."""
        rows = [_flat(judgement, self.threshold) for judgement in self.judgements]
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    def to_json(self) -> str:
        """`{"data", "rows", "threshold", "nets": […], "comparisons": […]}`; null if not known."""
        record = {
            "data": self.about,
            "rows": self.rows,
            "threshold": self.threshold,
            "nets": [_nested(judgement) for judgement in self.judgements],
            "comparisons": [dataclasses.asdict(comparison) for comparison in self.comparisons],
        }
        return json.dumps(finite(record), indent=2, ensure_ascii=False) + "\n"


def compare_neighbours(nets: Sequence[NetPredictions], groups: np.ndarray) -> list[Comparison]:
    """Each net beside the one before it, where both are judged by the same labels."""
    pairs = (compare(first, second, groups) for first, second in itertools.pairwise(nets))
    return [comparison for comparison in pairs if comparison]


def _facts(judgement):
    net = judgement.net
    return {
        "net": net.name,
        "description": net.description,
        "epochs": net.epochs,
        "train_loss": net.train_loss,
        "train_loss_without_dropout": judgement.plain_train_loss,
        "valid_loss": net.valid_loss,
        "label_scope": net.scope.name.lower(),
        "faces": judgement.faces,
        "labels": judgement.labels,
    }


def _nested(judgement):
    estimates = {name: dataclasses.asdict(getattr(judgement, name)) for name in _ESTIMATES}
    groups = {
        f"rmse_px_by_{kind}": {name: dataclasses.asdict(value) for name, value in values.items()}
        for kind, values in (
            ("specialist", judgement.specialists),
            ("keypoint", judgement.keypoints),
        )
    }
    return {**_facts(judgement), **estimates, **groups}


def _flat(judgement, threshold):
    row = _facts(judgement) | {"threshold": threshold}
    estimates = {name: getattr(judgement, name) for name in _ESTIMATES}
    for specialist in keypoint_schema.SPECIALISTS:
        name = f"rmse_px.{specialist.name}"
        estimates[name] = judgement.specialists.get(specialist.name)
    for keypoint in keypoint_schema.NAMES:
        # The nose tip is a keypoint and a specialist of the same name and value.
        estimates[f"rmse_px.{keypoint}"] = judgement.keypoints.get(keypoint)
    for name, estimate in estimates.items():
        estimate = estimate or Estimate(math.nan, math.nan, math.nan)
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return finite(row)


def finite(value):
    """Puts None for NaN and infinity: JSON has none, and strict readers refuse a file with one."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
