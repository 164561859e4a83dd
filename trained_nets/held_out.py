"""Finds the faces that a run has not seen, by repeating its split."""

import dataclasses
from collections.abc import Iterable

import numpy as np

import data_pipeline
import labelling
from data_pipeline import FaceData
from errors import UserError


@dataclasses.dataclass(frozen=True)
class HeldOut:
    """The faces that a run held out, if they are known.

    Attributes:
        rows: bool `(N,)`; None if none were held out, or if they are not known.
        reason: why `rows` is None, as a sentence.
    """

    rows: np.ndarray | None
    reason: str = ""


def require_held_out(net, data: FaceData) -> FaceData:
    """Returns the faces that the run of a `TrainedNet` held out of the data.

    Raises:
        UserError: if none were held out, or they are not known.
    """
    found = find_held_out(net.config, net.origin, data)
    if found.rows is None:
        raise UserError(found.reason)
    return data.rows(found.rows)


def find_held_out(config: dict, origin: str, data: FaceData) -> HeldOut:
    """Repeats a run's split.

    Args:
        config: of the run, or of one net of an ensemble.
        origin: the run's name in `reason`.
        data: the N faces that it was trained on.
    """
    trained_on = _source(config["data"], data)
    hold_out = trained_on.get("hold_out", data_pipeline.HOLD_OUT)
    fold = trained_on.get("fold")
    if not hold_out and not fold:
        return _unknown(f"{origin} was trained on every face of its data and held none out.")
    if not data.is_known_as(trained_on["fingerprint"]):
        return _unknown(
            f"{origin} was trained on other data ({trained_on['description']}), not on these faces "
            f"({data.description}), so it holds none of them out. Give the --data that it was "
            f"trained on.{data_pipeline.explain_mismatch(trained_on['fingerprint'])}"
        )
    if trained_on.get("grouped_by", data.grouped_by) != data.grouped_by:
        return _unknown(
            f"The faces of {origin} were split by {trained_on['grouped_by']}, but now by "
            f"{data.grouped_by}: training_persons.csv was added or removed beside them."
        )
    seed = fold["split_seed"] if fold else config["seed"]
    train, valid = data_pipeline.split(data, seed, hold_out)
    digest = data_pipeline.split_digest(valid)
    if (trained_on.get("split") or digest) != digest:
        return _unknown(
            f"The split of {origin} cannot be repeated: training_persons.csv beside the data has "
            "changed since."
        )
    groups = valid.groups
    if fold:
        rows = train.usable(config["recipe"]["rows"])
        _, inside = data_pipeline.folds(rows, fold["of"], seed)[fold["number"] - 1]
        groups = np.concatenate([groups, rows.groups[inside]])
    return HeldOut(np.isin(data.groups, groups))


def count_seen(config: dict, origin: str, valid: FaceData, data: FaceData) -> int:
    """Counts the faces seen by a net in training, among those that another run holds out.

    If it is not known which faces the net held out, it counts as having seen all of them; likewise
    if it started from, or learned from, a net that had seen some.

    Args:
        config: of the net's run.
        origin: what it was loaded from.
        valid: the faces that the other run holds out.
        data: all faces, which `valid` is a part of.
    """
    if not has_trained_on(config, data):
        return 0
    rows = find_held_out(config, origin, data).rows
    if rows is None or config["data"].get("seen_before"):
        return len(valid)
    return int(np.isin(valid.groups, data.groups[~rows]).sum())


def has_trained_on(config: dict, data: FaceData) -> bool:
    """Returns whether a run, or a net that it builds on, was trained on this data set."""
    return any(map(data.is_known_as, fingerprints([config])))


def fingerprints(configs: Iterable[dict]) -> tuple[str, ...]:
    """Returns the fingerprints of all data that runs, or nets that they build on, learned from."""
    found = []
    for trained_on in (config["data"] for config in configs):
        own = (trained_on, *trained_on.get("sources", []))
        found += [each["fingerprint"] for each in own] + trained_on.get("earlier", [])
    return tuple(dict.fromkeys(found))


def as_recorded(data: FaceData, config: dict | None) -> FaceData:
    """Names a data set's labeller as a run does that learned from it.

    A labeller is named after the data's folder, which may have been renamed since.

    Args:
        data: one data set, perhaps with a four-point labeller.
        config: of the run; None if it is not known.

    Returns:
        The same faces; with their own names if the run has not learned from them.
    """
    source = _source(config["data"], data) if config else None
    if not source or not data.is_known_as(source["fingerprint"]):
        return data
    recorded = source.get("labellers") or config.get("labellers")
    if not recorded:
        return data
    names = (
        recorded[0] if each == labelling.full(each) else labelling.four_point(recorded[0])
        for each in data.labellers
    )
    return dataclasses.replace(data, labellers=tuple(names))


def _source(trained_on, data):
    """Returns what a run recorded about its data; of several data sets, about this one."""
    for source in trained_on.get("sources", []):
        if data.is_known_as(source["fingerprint"]):
            return trained_on | source
    return trained_on


def _unknown(reason):
    return HeldOut(None, reason)
