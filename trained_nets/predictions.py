"""What evaluation needs of each net: predictions, the labels it was trained on, its history."""

import functools
import math
import pathlib
from collections.abc import Sequence

import numpy as np

import command_line
import data_pipeline
import keypoint_schema
import labelling
from callbacks import read_history
from errors import UserError
from evaluation import History, LabelScope, NetPredictions
from evaluation.judgement import Net
from trained_nets import places, run_folder
from trained_nets.held_out import as_recorded, find_held_out, has_trained_on
from trained_nets.loading import load_net, warn_if_unfinished
from trained_nets.trained_net import TrainedNet, flip_averaged

VALIDATION = "validation"  # what `--rows` takes; or "all"


def load_nets(
    origins: Sequence[str],
    data: data_pipeline.FaceData,
    rows: str,
    flip_average: bool | str = False,
    labels_of: str | None = None,
) -> list[Net]:
    """Loads nets and predicts the keypoints of all faces with each.

    Args:
        origins: what `load_net` takes.
        data: faces, with their labels in memory.
        rows: "validation": count the labels of faces held out by the run's own split, complete or
            not; an exported model, which has no split, or a net that trained on other data, uses
            that of the first run here that has one. "all": count every label, including those that
            a net trained on.
        flip_average: as `flip_averaged` takes it.
        labels_of: whose labels to predict; None as `predict_as_labelled` decides.

    Raises:
        UserError: if a net is named twice or cannot be loaded, or its split cannot be repeated on
            this data.
    """
    _refuse_repeated(origins)
    loaded = [load_net(origin) for origin in origins]
    for net in loaded:
        warn_if_unfinished(net)
    runs = [net for net in loaded if net.config]
    nets = []
    for net, name in zip(loaded, _distinct_names(loaded), strict=True):
        is_held_out = None
        if rows == VALIDATION:
            is_held_out = _held_out_by(net, runs, data)
        faces = as_recorded(data, net.config)
        net = answering(net, labels_of, faces.labellers[0])
        predicted = predict_as_labelled(net, faces, flip_average, labels_of)
        shown = flip_averaged(net, flip_average)
        nets.append(_judged(shown, name, data, is_held_out, predicted))
    return nets


def answering(net: TrainedNet, labels_of: str | None, labeller: str) -> TrainedNet:
    """Lets the net predict the labels wanted; else those of the data's labeller, if it can.

    Raises:
        UserError: if it has not learned from the labeller wanted.
    """
    can = net.open_as is not None and labeller in net.labellers
    return net.as_labeller(labels_of or (labeller if can else net.labels_of))


def predict_as_labelled(
    net: TrainedNet,
    data: data_pipeline.FaceData,
    flip_average: bool | str = False,
    labels_of: str | None = None,
) -> np.ndarray:
    """Predicts each face as its labeller would label it.

    Args:
        net: a net that may have learned from several labellers.
        data: N faces. Where the net has not learned from their labeller, it predicts as it does by
            default.
        flip_average: as `flip_averaged` takes it.
        labels_of: predict as this labeller instead, whoever labelled the face.

    Returns:
        float32 `(N, 15, 2)` px, NaN for keypoints that the net lacks.
    """
    average = functools.partial(flip_averaged, flip_average=flip_average)
    if labels_of:
        return average(net.as_labeller(labels_of)).predict_all(data.images)
    full = {labelling.full(name) for name in data.labellers}
    if any(labelling.four_point(name) in net.labellers for name in full):
        data = data.with_four_point_labeller()
    predicted = np.empty((len(data), keypoint_schema.NUM_KEYPOINTS, 2), np.float32)
    for number, labeller in enumerate(data.labellers):
        rows = data.labelled_by == number
        predicted[rows] = average(answering(net, None, labeller)).predict_all(data.images[rows])
    return predicted


def four_point_predictions(
    net: TrainedNet, images: np.ndarray, flip_average: bool | str = False
) -> np.ndarray | None:
    """Predicts where the four-point labeller of the net's data puts the keypoints.

    Returns:
        float32 `(N, K, 2)` px; None if the net has not learned that.
    """
    four_point = labelling.four_point(net.labels_of)
    if four_point not in net.labellers or net.open_as is None:
        return None
    other = net.as_labeller(four_point)
    return flip_averaged(other, flip_average).predict(images)


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
    """What tables, files and figures call the nets; a folder's name may be of any bytes."""
    names = [_name(net) for net in nets]
    if len(set(names)) < len(names):
        names = [net.origin for net in nets]
    return [command_line.writable(name) for name in names]


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
    # A net that trained on other data, like an exported model, takes the split of another.
    has_split = net.config is not None and has_trained_on(net.config, data)
    found = [find_held_out(run.config, run.origin, data) for run in ([net] if has_split else runs)]
    for held_out in found:
        if held_out.rows is not None:
            return held_out.rows
    raise UserError(f"{found[0].reason} --rows all counts every face.")


def _scope(config, data, is_held_out):
    if is_held_out is not None:
        if config is None:
            return LabelScope.HELD_OUT_BY_ANOTHER
        if not has_trained_on(config, data):
            return LabelScope.HELD_OUT_OF_OTHER_DATA
        seen_before = config["data"].get("seen_before")
        return LabelScope.SEEN_BEFORE if seen_before else LabelScope.HELD_OUT
    if config is None:
        return LabelScope.UNKNOWN
    same = has_trained_on(config, data)
    return LabelScope.TRAINED_ON if same else LabelScope.OTHER_DATA


def _judged(net, name, data, is_held_out, predicted):
    labels = data.keypoints
    histories = _histories(net, name)
    train_loss, valid_loss = _best_losses(histories)
    config = net.config
    results = (config or {}).get("results") or {}
    scope = _scope(config, data, is_held_out)
    knows_split = scope in (LabelScope.HELD_OUT, LabelScope.SEEN_BEFORE)
    predictions = NetPredictions(
        name=name,
        description=_description(net),
        predicted=predicted,
        judged_labels=labels if is_held_out is None else _only(labels, is_held_out),
        training_labels=_trained_on(net, labels, ~is_held_out) if knows_split else None,
        scope=scope,
        of_specialists=(config or {}).get("model") == places.SPECIALISTS_MODEL,
        epochs=results.get("epochs_run"),
        train_loss=train_loss,
        valid_loss=valid_loss,
    )
    return Net(predictions, net.predict_all, histories, net.model)


def _description(net):
    description = net.config["description"] if net.config else "exported model"
    several = len(net.labellers) > 1
    return description + f", predicting the labels of {net.labels_of}" * several


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
    import pandas as pd  # takes half a second, which most predictions save

    rows = read_history(run.history_file)
    finite = _with_finite_losses(rows)
    if not finite:
        raise UserError(f"The history {run.history_file} has no rows with finite losses.")
    cells = {name: [float(row[name] or "nan") for row in finite] for name in finite[0]}
    table = pd.DataFrame(cells).astype({"epoch": int})
    results = run.read_config().get("results") or {}
    # An interrupted training that goes on may have more rows than its results, or fewer.
    if results.get("finished") and len(rows) < results.get("epochs_run", 0):
        raise UserError(
            f"The history {run.history_file} cannot be read (its end is missing). Restore a copy "
            "of it, or train again with --overwrite."
        )
    return History(table, results.get("best_epoch"))


def _with_finite_losses(rows):
    """Leaves out the epoch in which a training diverged; validation losses may all be empty."""
    is_validated = any(row["valid_loss"] for row in rows)
    losses = ["train_loss", *["valid_loss"] * is_validated]
    return [row for row in rows if all(math.isfinite(float(row[each] or "nan")) for each in losses)]


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
