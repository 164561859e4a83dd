"""Loads a trained net from a run folder, a preset or an exported SavedModel."""

import os
import pathlib

import command_line
import keypoint_schema
import models
from errors import UserError
from trained_nets import exported_model, places, preset_store
from trained_nets.run_folder import RunFolder
from trained_nets.trained_net import (
    TrainedNet,
    as_one_labeller,
    flip_averaged,
    from_model,
    labellers_of,
)

UNFINISHED = "is not finished: it was interrupted, or failed."


def load_net(
    origin: str | os.PathLike, flip_average: bool | str = False, labels_of: str | None = None
) -> TrainedNet:
    """Loads a net.

    Args:
        origin: a run folder of `train.py`; `preset:<name>`; or a SavedModel of `export.py`, by the
            folder of one version, or of all versions, of which the newest is loaded.
        flip_average: as `flip_averaged` takes it.
        labels_of: whose labels it predicts; None for its own default, the first labeller's.

    Raises:
        UserError: if there is no such net, it cannot be loaded, or it has not learned from that
            labeller.
    """
    net = _load(os.fspath(origin))
    if labels_of:
        net = net.as_labeller(labels_of)
    return flip_averaged(net, flip_average)


def load_keras_net(origin: str | os.PathLike, labels_of: str | None = None) -> TrainedNet:
    """Loads a net that has a Keras model and a configuration: a run folder's or a preset's.

    Raises:
        UserError: if it is an exported model, or as `load_net`.
    """
    places.require_keras_net(origin)
    return load_net(origin, labels_of=labels_of)


def warn_if_unfinished(net: TrainedNet):
    """Prints a note if the training of a run was interrupted, or failed."""
    results = (net.config or {}).get("results") or {}
    if net.config and not results.get("finished"):
        command_line.warn(f"The training of {net.origin} {UNFINISHED}")


def load_run(run: RunFolder) -> TrainedNet:
    """Loads a run with its best weights; specialists are merged, the nets of folds averaged.

    Raises:
        UserError: if there is no run, or it has no weights yet.
    """
    config = run.read_config()
    labellers = labellers_of(config)
    parts = {name: part.load_model() for name, part in run.parts(config).items()}
    whole = None if parts else run.load_model()
    is_specialists = config["model"] == places.SPECIALISTS_MODEL
    names = keypoint_schema.NAMES if is_specialists else tuple(config["keypoints"])
    of_parts = {each.name: each.keypoints for each in keypoint_schema.SPECIALISTS}
    if whole:
        _require_fit(run, whole, len(labellers), len(names))
    for name, part in parts.items():
        _require_fit(run, part, len(labellers), len(of_parts[name] if is_specialists else names))

    def open_as(labels_of):
        if whole:
            model = as_one_labeller(whole, labellers, labels_of, names)
        elif is_specialists:
            model = models.merge_specialists(
                {
                    each.name: as_one_labeller(
                        parts[each.name], labellers, labels_of, each.keypoints
                    )
                    for each in keypoint_schema.SPECIALISTS
                }
            )
        else:
            model = models.average(
                {
                    name: as_one_labeller(part, labellers, labels_of, names)
                    for name, part in parts.items()
                }
            )
        return from_model(run.path, model, names, config, labels_of, whole=whole, open_as=open_as)

    return open_as(labellers[0])


def _require_fit(run, model, labellers, names):
    """Checks that a net of a run predicts so many keypoints for each of so many labellers."""
    if model.output.shape[1] != labellers * names:
        raise UserError(
            f"{run.path}: config.json does not fit {model.name}'s model.keras, which predicts "
            f"{model.output.shape[1]} keypoints, not {labellers} × {names}. Restore a copy of it, "
            "or train again with --overwrite."
        )


def _load(origin):
    places.require_net(origin)
    if places.is_preset(origin):
        return preset_store.load_preset(origin.removeprefix(places.PRESET_PREFIX))
    path = pathlib.Path(origin).expanduser()
    if places.is_run(path):
        return load_run(RunFolder(path))
    return exported_model.open_exported(path, places.find_saved_model(path))
