"""What evaluation needs of each net: predictions, the labels it was trained on, its history."""

import math
import pathlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

import data_pipeline
import keypoint_schema
from callbacks import read_history
from errors import UserError
from evaluation import History, LabelScope, NetPredictions, labeller_offset
from evaluation.judgement import Net
from trained_nets import places, run_folder
from trained_nets.held_out import find_held_out
from trained_nets.loading import load_net

VALIDATION = "validation"  # what `--rows` takes; or "all"


def load_nets(
    origins: Sequence[str], data: data_pipeline.FaceData, rows: str, flip_average: bool = False
) -> list[Net]:
    """Loads nets and predicts the keypoints of all faces with each.

    Args:
        origins: what `load_net` takes.
        data: faces with their labels.
        rows: "validation": count the labels of faces held out by the run's own split, complete or
            not; an exported model, which has no split, uses that of the first run here. "all":
            count every label, including those that a net trained on.
        flip_average: whether to average predictions for each face and its mirror image.

    Raises:
        UserError: if a net is named twice or cannot be loaded, or its split cannot be repeated on
            this data.
    """
    _refuse_repeated(origins)
    loaded = [load_net(origin, flip_average) for origin in origins]
    runs = [net for net in loaded if net.config]
    nets = []
    for net, name in zip(loaded, _distinct_names(loaded), strict=True):
        is_held_out = None
        if rows == VALIDATION:
            is_held_out = _held_out_by(net, runs, data)
        nets.append(_judged(net, name, data, is_held_out))
    return nets


def _refuse_repeated(origins):
    named = {}
    for origin in map(str, origins):
        is_preset = places.is_preset(origin)
        path = origin if is_preset else pathlib.Path(origin).expanduser().resolve()
        if path in named:
            raise UserError(
                f"A net must be named only once. Received: {named[path]} and {origin}, which are "
                "the same. Leave one out."
            )
        named[path] = origin


def _distinct_names(nets):
    names = [_name(net) for net in nets]
    return names if len(set(names)) == len(names) else [net.origin for net in nets]


def _name(net):
    """Returns the folder's name; for a version of an exported model, the model folder's."""
    path = pathlib.Path(net.origin).expanduser().resolve()
    is_version = net.config is None and path.name.isdigit()
    return (is_version and path.parent.name) or path.name


def _held_out_by(net, runs, data):
    if net.config is None and not runs:
        raise UserError(
            f"{net.origin} is an exported model, which does not say which faces were held "
            "out when it was trained. Name its run folder too, so that it uses that split, or add "
            "--rows all."
        )
    run = runs[0] if net.config is None else net
    held_out = find_held_out(run.config, run.origin, data)
    if held_out.rows is None:
        raise UserError(f"{held_out.reason} --rows all counts every face.")
    return held_out.rows


def _scope(config, data, is_held_out):
    if is_held_out is not None:
        if config is None:
            return LabelScope.HELD_OUT_BY_ANOTHER
        seen_before = config["data"].get("seen_before")
        return LabelScope.SEEN_BEFORE if seen_before else LabelScope.HELD_OUT
    if config is None:
        return LabelScope.UNKNOWN
    same = config["data"]["fingerprint"] == data.fingerprint
    return LabelScope.TRAINED_ON if same else LabelScope.OTHER_DATA


def _judged(net, name, data, is_held_out):
    labels = data.keypoints
    histories = _histories(net, name)
    train_loss, valid_loss = _best_losses(histories)
    config = net.config
    results = (config or {}).get("results") or {}
    predictions = NetPredictions(
        name=name,
        description=config["description"] if config else "exported model",
        predicted=labeller_offset.add(
            net.predict_all(data.images),
            data.four_point,
            keypoint_schema.NAMES,
            net.partial_offset_px,
        ),
        judged_labels=labels if is_held_out is None else _only(labels, is_held_out),
        training_labels=None
        if is_held_out is None or config is None
        else _trained_on(net, labels, ~is_held_out),
        scope=_scope(config, data, is_held_out),
        epochs=results.get("epochs_run"),
        train_loss=train_loss,
        valid_loss=valid_loss,
    )
    return Net(predictions, net.predict_all, histories, net.model)


def _only(labels, rows):
    return np.where(rows[:, None, None], labels, np.nan)


def _trained_on(net, labels, is_training):
    """Returns the labels that a net trained on; most recipes skip rows that lack one of them."""
    run = run_folder.RunFolder(net.origin)
    parts = run.parts(net.config) or {"": run}
    used = np.full_like(labels, np.nan)
    for part in parts.values():
        config = net.config if part is run else part.read_config()
        columns = keypoint_schema.indices(config["keypoints"])
        rows = is_training
        if (config.get("recipe") or {}).get("rows") != "labelled":
            rows = rows & np.isfinite(labels[:, columns]).all((1, 2))
        used[:, columns] = _only(labels[:, columns], rows)
    return used


def _histories(net, name):
    if net.config is None or places.is_preset(net.origin):
        return {}
    run = run_folder.RunFolder(net.origin)
    runs = run.parts(net.config) or {name: run}
    return {key: _history(each) for key, each in runs.items()}


def _history(run):
    rows = read_history(run.history_file)
    if not rows:
        raise UserError(f"The history {run.history_file} has no rows.")
    cells = {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}
    table = pd.DataFrame(cells).astype({"epoch": int})
    results = run.read_config().get("results") or {}
    return History(table, results.get("best_epoch"))


def _best_losses(histories):
    """Returns the kept epoch's train and validation loss; of specialists, the weighted mean."""
    if not histories:
        return None, None
    sizes = {each.name: len(each.keypoints) for each in keypoint_schema.SPECIALISTS}
    rows = [history.best for history in histories.values()]
    weights = [sizes.get(name, 1) for name in histories]
    losses = [[row["train_loss"], row["valid_loss"]] for row in rows]
    means = np.average(losses, axis=0, weights=weights)
    return tuple(float(mean) if math.isfinite(mean) else None for mean in means)
