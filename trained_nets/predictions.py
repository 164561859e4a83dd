"""Runs beside a data set: what each net says about it, which labels it trained on, its history."""

import dataclasses
import math
import pathlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

import data_pipeline
import keypoint_schema
from errors import UserError
from evaluation import History, LabelScope, NetPredictions, labeller_offset
from trained_nets import held_out, preset_store, run_folder
from trained_nets.predictor import Predictor, load_predictor

VALIDATION, ALL = "validation", "all"  # what `--rows` takes


@dataclasses.dataclass(frozen=True)
class JudgedNet:
    """A net, loaded and asked about every face of a data set.

    Attributes:
        predictor: the net.
        predictions: what it says, and the labels that count.
        histories: of its training, by its name, or by those of its specialists or folds; none if
            it is an exported model or a preset.
    """

    predictor: Predictor
    predictions: NetPredictions
    histories: dict[str, History]


def load_nets(
    sources: Sequence[str], data: data_pipeline.FaceData, rows: str, flip_average: bool = False
) -> list[JudgedNet]:
    """Loads nets and lets them predict.

    Args:
        sources: what `load_predictor` takes.
        data: faces with their labels.
        rows: "validation": count the labels of faces held out by the run's own split, complete or
            not; an exported model, which knows no split, takes that of the first run here. "all":
            count every label, also those that a net trained on.
        flip_average: each net answers with the mean over a face and its mirror image.

    Raises:
        UserError: if a net is named twice or cannot be loaded, or its split cannot be repeated on
            this data.
    """
    _refuse_repeated(sources)
    predictors = [load_predictor(source, flip_average) for source in sources]
    runs = [predictor for predictor in predictors if predictor.config]
    nets = []
    for predictor, name in zip(predictors, _distinct_names(predictors), strict=True):
        is_held_out = None
        if rows == VALIDATION:
            is_held_out = _held_out_by(predictor, runs, data)
        nets.append(_judged(predictor, name, data, is_held_out))
    return nets


def _refuse_repeated(sources):
    named = {}
    for source in map(str, sources):
        path = (
            source
            if preset_store.is_preset(source)
            else pathlib.Path(source).expanduser().resolve()
        )
        if path in named:
            raise UserError(
                f"A net must be named once. Received: {named[path]} and {source}, which are the "
                "same. Leave one out."
            )
        named[path] = source


def _distinct_names(predictors):
    names = [_name(predictor) for predictor in predictors]
    if len(set(names)) == len(names):
        return names
    return [str(predictor.source) for predictor in predictors]


def _name(predictor):
    """The folder's name; of a version of an exported model, that of the model's folder."""
    path = predictor.source.resolve()
    is_version = predictor.config is None and path.name.isdigit()
    return (is_version and path.parent.name) or path.name


def _held_out_by(predictor, runs, data):
    if predictor.config is None and not runs:
        raise UserError(
            f"{predictor.source} is an exported model, which does not say which faces were held "
            "out when it was trained. Name its run folder too, whose split it then takes, or add "
            "--rows all."
        )
    run = runs[0] if predictor.config is None else predictor
    try:
        return held_out.rows_held_out(run.config, run.source, data)
    except UserError as error:
        raise UserError(f"{error} --rows all counts every face.") from error


def _scope(config, data, is_held_out):
    if is_held_out is not None:
        return LabelScope.HELD_OUT if config else LabelScope.HELD_OUT_BY_ANOTHER
    if config is None:
        return LabelScope.UNKNOWN
    same = config["data"]["fingerprint"] == data.fingerprint
    return LabelScope.TRAINED_ON if same else LabelScope.OTHER_DATA


def _judged(predictor, name, data, is_held_out):
    labels = data.keypoints
    histories = _histories(predictor, name)
    train_loss, valid_loss = _best_losses(histories)
    config = predictor.config
    results = config.get("results", {}) if config else {}
    predictions = NetPredictions(
        name=name,
        description=config["description"] if config else "exported model",
        predicted=labeller_offset.add(
            predictor.predict_all(data.images),
            data.partial,
            keypoint_schema.NAMES,
            predictor.partial_offset_px,
        ),
        judged_labels=labels if is_held_out is None else _only(labels, is_held_out),
        training_labels=None
        if is_held_out is None or config is None
        else _trained_on(predictor, labels, ~is_held_out),
        scope=_scope(config, data, is_held_out),
        epochs=results.get("epochs_run"),
        train_loss=train_loss,
        valid_loss=valid_loss,
    )
    return JudgedNet(predictor, predictions, histories)


def _only(labels, rows):
    return np.where(rows[:, None, None], labels, np.nan)


def _trained_on(predictor, labels, is_training):
    """The labels of training rows; by most recipes a row counts if it has all of a net's labels."""
    run = run_folder.RunFolder(predictor.source)
    parts = run.parts(predictor.config) or {"": run}
    used = np.full_like(labels, np.nan)
    for part in parts.values():
        config = predictor.config if part is run else part.read_config()
        columns = keypoint_schema.indices(config["keypoints"])
        rows = is_training
        if config.get("recipe", {}).get("rows") != "labelled":
            rows = rows & np.isfinite(labels[:, columns]).all((1, 2))
        used[:, columns] = _only(labels[:, columns], rows)
    return used


def _histories(predictor, name):
    if predictor.config is None or preset_store.is_preset(predictor.source):
        return {}
    run = run_folder.RunFolder(predictor.source)
    runs = run.parts(predictor.config) or {name: run}
    try:
        return {key: _history(each) for key, each in runs.items()}
    except (OSError, ValueError) as error:
        raise UserError(f"The history of {predictor.source} cannot be read: {error}") from error


def _history(run):
    table = pd.read_csv(run.history_file)
    if table.empty:
        raise ValueError(f"{run.history_file} has no rows")
    results = run.read_config().get("results") or {}
    return History(table, results.get("best_epoch"))


def _best_losses(histories):
    """Train and validation loss of the kept epoch; of specialists the mean by target values."""
    if not histories:
        return None, None
    sizes = {each.name: len(each.keypoints) for each in keypoint_schema.SPECIALISTS}
    rows = [history.best for history in histories.values()]
    weights = [sizes.get(name, 1) for name in histories]
    losses = [[row["train_loss"], row["valid_loss"]] for row in rows]
    means = np.average(losses, axis=0, weights=weights)
    return tuple(float(mean) if math.isfinite(mean) else None for mean in means)
