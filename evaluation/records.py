"""The judgements as data for other programs: CSV, one row a net, and JSON."""

import csv
import dataclasses
import io
import json
import math
from collections.abc import Sequence

import keypoint_schema
from evaluation.bootstrap import Comparison, Estimate
from evaluation.judgement import Judgement

_ESTIMATES = ("rmse_px", "nme", "failure_rate", "auc")


def to_csv(judgements: Sequence[Judgement]) -> str:
    """A row a net; an estimate `x` has the columns `x`, `x_low` and `x_high`."""
    rows = [_flat(judgement) for judgement in judgements]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def to_json(
    judgements: Sequence[Judgement], comparisons: Sequence[Comparison], data: str, rows: str
) -> str:
    """`{"data", "rows", "nets": […], "comparisons": […]}`; what is not known is null."""
    record = {
        "data": data,
        "rows": rows,
        "nets": [_nested(judgement) for judgement in judgements],
        "comparisons": [dataclasses.asdict(comparison) for comparison in comparisons],
    }
    return json.dumps(_without_nan(record), indent=2, ensure_ascii=False) + "\n"


def _facts(judgement):
    net = judgement.net
    return {
        "net": net.name,
        "description": net.description,
        "epochs": net.epochs,
        "train_loss": net.train_loss,
        "train_loss_without_dropout": judgement.plain_train_loss,
        "valid_loss": net.valid_loss,
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


def _flat(judgement):
    row = _facts(judgement)
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
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in row.items()
    }


def _without_nan(value):
    """JSON has no NaN; strict readers refuse a file with one."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
