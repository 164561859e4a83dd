"""Which faces a run has not seen: its split, repeated."""

import dataclasses

import numpy as np

import data_pipeline
from data_pipeline import FaceData


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """The faces that a run held out, if it can be told.

    Attributes:
        rows: bool `(N,)`; None if none were held out, or nobody can tell which.
        reason: why `rows` is None, as a sentence.
    """

    rows: np.ndarray | None
    reason: str = ""


def find_held_out(config: dict, origin: str, data: FaceData) -> HeldOut:
    """Repeats a run's split.

    Args:
        config: the run's; for a net of an ensemble, its own.
        origin: what the reason calls the run.
        data: what it was trained on, N faces.
    """
    trained_on = config["data"]
    hold_out = trained_on.get("hold_out", data_pipeline.HOLD_OUT)
    fold = trained_on.get("fold")
    if not hold_out and not fold:
        return _unknown(f"{origin} was trained on every face of its data and held none out.")
    if trained_on["fingerprint"] != data.fingerprint:
        return _unknown(
            f"{origin} was trained on other data ({trained_on['description']}) than these "
            f"({data.description}), so it held none of them out. Name its own data with "
            "--data."
        )
    if trained_on.get("grouped_by", data.grouped_by) != data.grouped_by:
        return _unknown(
            f"The faces of {origin} were split by {trained_on['grouped_by']}, these are by "
            f"{data.grouped_by}: training_persons.csv has come or gone beside them."
        )
    seed = fold["split_seed"] if fold else config["seed"]
    train, valid = data_pipeline.split(data, seed, hold_out)
    digest = data_pipeline.split_digest(valid)
    if (trained_on.get("split") or digest) != digest:
        return _unknown(
            f"The split of {origin} cannot be repeated: training_persons.csv beside the data has "
            "changed since, or scikit-learn shuffles otherwise now."
        )
    groups = valid.groups
    if fold:
        rows = train.usable(config["recipe"]["rows"])
        _, inside = data_pipeline.folds(rows, fold["of"], seed)[fold["number"] - 1]
        groups = np.concatenate([groups, rows.groups[inside]])
    return HeldOut(np.isin(data.groups, groups))


def count_seen(config: dict, origin: str, valid: FaceData, data: FaceData) -> int:
    """How many faces a net has seen in its training, of those that another run holds out.

    Where it cannot be told which faces the net held out, it counts as having seen all; so it does
    if it began with, or learned from, a net that had seen some.

    Args:
        config: of the net's run.
        origin: what it was loaded from.
        valid: the faces that the other run holds out.
        data: what these are from.
    """
    if config["data"]["fingerprint"] != data.fingerprint:
        return 0
    rows = find_held_out(config, origin, data).rows
    if rows is None or config["data"].get("seen_before"):
        return len(valid)
    return int(np.isin(valid.groups, data.groups[~rows]).sum())


def _unknown(reason):
    return HeldOut(None, reason)
