"""Presets on disk: float16 weights and a card each, read and written without pickle.

presets/<name>/
    weights.npz    one float16 array per weight, named <layer>/<weight>
    card.json      what it is, what it was trained on, how accurate it is, what it is for
"""

import contextlib
import json
import pathlib
import shutil

import keras
import numpy as np

import models
import npz_file
from errors import UserError
from trained_nets import config_form, places
from trained_nets.places import CARD, PRESET_PREFIX
from trained_nets.trained_net import TrainedNet, as_one_labeller, from_model, labellers_of

WEIGHTS = "weights.npz"


def load_preset(name: str) -> TrainedNet:
    """Builds a preset's net in float32 and gives it the stored weights.

    Args:
        name: as in `places.preset_names`.

    Returns:
        The net; its `config` is that of the run that it was made from, without paths, and has the
        rest of the card as `preset`.

    Raises:
        UserError: if there is no such preset, or its files do not fit its net.
    """
    card = read_card(name)
    about = {key: value for key, value in card.items() if key != "run"}
    config = {**card["run"], "preset": about}
    try:
        whole = _build(config)
    except UserError as error:
        raise _damaged(name, CARD, error) from error
    _set_weights(whole, _read_weights(name), name)
    return _open(f"{PRESET_PREFIX}{name}", whole, config)


def read_card(name: str) -> dict:
    """Reads a preset's card.

    Raises:
        UserError: if there is no such preset, or its card is damaged.
    """
    places.require_preset(name)
    try:
        card = json.loads((places.PRESETS / name / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(name, CARD, error) from error
    if fault := config_form.find_card_fault(card):
        raise _damaged(name, CARD, fault)
    if card["run"]["model"] not in models.ZOO:
        raise _damaged(name, CARD, f"there is no net {card['run']['model'][:40]!r}")
    return card


def to_float16(model: keras.Model) -> dict[str, np.ndarray]:
    """Returns the weights as a preset stores them, rounded to float16.

    Raises:
        UserError: if a weight is beyond float16's range, or two have the same name.
    """
    rounded = {}
    for name, weight in _named_weights(model):
        if name in rounded:
            raise UserError(f"A preset needs a name for each weight; {name!r} occurs twice.")
        with np.errstate(over="ignore"):
            rounded[name] = keras.ops.convert_to_numpy(weight).astype(np.float16)
        if not np.isfinite(rounded[name]).all():
            raise UserError(
                f"A preset stores float16, up to ±65,504; {name!r} of {model.name} is beyond that, "
                "or not a number."
            )
    return rounded


def as_stored(net: TrainedNet) -> TrainedNet:
    """Returns the net as a preset would restore it: float32 layers, weights rounded to float16.

    Raises:
        UserError: if it is not a single net of the zoo, or as `to_float16`.
    """
    if net.config["model"] not in models.ZOO:
        raise UserError(
            f"A preset is a single net of the zoo. Received: {net.config['model']!r}. "
            f"The zoo: {', '.join(models.ZOO)}."
        )
    whole = _build(net.config)
    _set_weights(whole, to_float16(net.whole), net.config["model"])
    return _open(net.origin, whole, net.config).as_labeller(net.labels_of)


def write_preset(name: str, weights: dict[str, np.ndarray], card: dict) -> pathlib.Path:
    """Writes a preset completely or not at all, replacing an earlier one of the same name.

    Args:
        name: letters, digits and underscores.
        weights: from `to_float16`.
        card: for JSON; its `run` is what `load_preset` returns as the configuration.

    Returns:
        The preset's folder.

    Raises:
        UserError: if the name has other characters, or the folder cannot be written.
    """
    if not name.isidentifier():
        raise UserError(
            f"A preset's name may have letters, digits and underscores. Received: {name!r}."
        )
    folder, temporary, old = (
        places.PRESETS / each for each in (name, f".tmp-{name}", f".old-{name}")
    )
    try:
        for left_by_a_kill in (temporary, old):
            shutil.rmtree(left_by_a_kill, ignore_errors=True)
        temporary.mkdir(parents=True)
        np.savez_compressed(temporary / WEIGHTS, **weights)
        text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False)
        (temporary / CARD).write_text(text + "\n", encoding="utf-8")
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise UserError(f"The preset {folder} cannot be written: {error}.") from error
    return folder


def _open(origin, whole, config):
    labellers, names = labellers_of(config), config["keypoints"]

    def open_as(labels_of):
        model = as_one_labeller(whole, labellers, labels_of, names)
        return from_model(origin, model, names, config, labels_of, whole=whole, open_as=open_as)

    return open_as(labellers[0])


def _build(config):
    settings = (config.get("recipe") or {}).get("net_settings")
    num_outputs = len(labellers_of(config)) * len(config["keypoints"])
    with _float32_layers():
        return models.build(config["model"], num_outputs, settings=settings)


def _named_weights(model):
    return [
        (f"{layer.name}/{weight.name}", weight)
        for layer in model.layers
        for weight in layer.weights
    ]


def _read_weights(name):
    try:
        return npz_file.read_arrays(places.PRESETS / name / WEIGHTS)
    except ValueError as error:
        raise _damaged(name, WEIGHTS, error) from error


def _set_weights(model, stored, name):
    wanted = dict(_named_weights(model))
    if odd := sorted(wanted.keys() ^ stored.keys()):
        what = "lacks" if odd[0] in wanted else "has the unknown"
        raise _damaged(name, WEIGHTS, f"it {what} {odd[0]!r}")
    for key, weight in wanted.items():
        if stored[key].shape != tuple(weight.shape):
            raise _damaged(
                name, WEIGHTS, f"{key!r} is {stored[key].shape}, not {tuple(weight.shape)}"
            )
        if stored[key].dtype.kind != "f" or not np.isfinite(stored[key]).all():
            raise _damaged(name, WEIGHTS, f"{key!r} holds more than finite numbers")
    for key, weight in wanted.items():
        weight.assign(stored[key].astype(np.float32))


def _damaged(name, file, reason):
    return UserError(
        f"The preset {name}'s {file} does not fit this version's net or is damaged ({reason}). "
        "Install the project again."
    )


@contextlib.contextmanager
def _float32_layers():
    """Overrides the training policy: float32 gives the same answers on every machine."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
