"""Which faces a run has not seen: its split, repeated."""

import numpy as np

import data_pipeline
from data_pipeline import FaceData
from errors import UserError


def rows_held_out(config: dict, source: object, data: FaceData) -> np.ndarray:
    """Which faces a run held out.

    Args:
        config: the run's; for a net of an ensemble, its own.
        source: what messages call it.
        data: what it was trained on.

    Returns:
        `(N,)` bools.

    Raises:
        UserError: if these are other data, are split otherwise now, or nothing was held out.
    """
    trained_on = config["data"]
    if trained_on["fingerprint"] != data.fingerprint:
        raise UserError(
            f"{source} was trained on other data ({trained_on['description']}) than these "
            f"({data.description}), so it holds none of them out. Give --data that it was trained "
            "on."
        )
    if trained_on.get("grouped_by", data.grouped_by) != data.grouped_by:
        raise UserError(
            f"The faces of {source} were split by {trained_on['grouped_by']}, these are by "
            f"{data.grouped_by}: training_persons.csv has come or gone beside them."
        )
    hold_out = trained_on.get("hold_out", data_pipeline.HOLD_OUT)
    fold = trained_on.get("fold")
    if not hold_out and not fold:
        raise UserError(f"{source} was trained on every face and holds none out.")
    seed = fold["split_seed"] if fold else config["seed"]
    train, valid = data_pipeline.split(data, seed, hold_out)
    digest = data_pipeline.split_digest(valid)
    if (trained_on.get("split") or digest) != digest:
        raise UserError(
            f"The split of {source} cannot be repeated: training_persons.csv beside the data has "
            "changed since, or scikit-learn shuffles otherwise now."
        )
    groups = valid.groups
    if fold:
        rows = train.usable(config["recipe"]["rows"])
        _, inside = data_pipeline.folds(rows, fold["of"], seed)[fold["number"] - 1]
        groups = np.concatenate([groups, rows.groups[inside]])
    return np.isin(data.groups, groups)
