"""What a preset's card says: how accurate the net is, what it was trained on, what it is for."""

import dataclasses
import json
import math
import pathlib

import numpy as np

import models
from errors import UserError
from evaluation import bootstrap, metrics
from trained_nets.trained_net import flip_averaged

NOTES = ("intended_use", "limits", "data")  # what notes must have
DATA_NOTES = ("fingerprint", "source", "licence")  # and each of their data sets


def read_notes(path, sources):
    """What a person has written about these data sets, which fingerprints identify.

    Returns:
        The notes, with those of `sources` alone, in that order, as `data`.

    Raises:
        UserError: if the file cannot be read, lacks an entry, or a data set.
    """
    try:
        notes = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"The notes {path} cannot be read: {error}") from error
    known = notes.get("data") if isinstance(notes, dict) else None
    complete = isinstance(known, list) and all(set(DATA_NOTES) <= each.keys() for each in known)
    if not complete or any(entry not in notes for entry in NOTES):
        raise UserError(
            f"The notes {path} need the entries {', '.join(NOTES)}; data is a list, each with "
            f"{', '.join(DATA_NOTES)}."
        )
    return notes | {"data": [_about(data, known, path) for data in sources]}


def _about(data, known, path):
    for notes in known:
        if data.is_known_as(notes["fingerprint"]):
            return notes
    raise UserError(
        f"The notes {path} say nothing about data with the fingerprint {data.fingerprint} "
        f"({data.description}). Write notes about them, and name the file with --notes."
    )


def measure(exact, rounded, valid):
    """RMSE with intervals, of float32 and float16 weights, plain and flip-averaged.

    Args:
        exact: a `TrainedNet` in float32.
        rounded: the same with its weights rounded to float16.
        valid: labelled faces that the net has not learned from.
    """
    return {
        "measured_on": "labelled faces that the run held out; they also chose the epoch whose "
        "weights are kept, which flatters a little",
        "faces": len(valid),
        "labelled_coordinates": int(np.isfinite(valid.keypoints).sum()),
        "resampled_by": valid.grouped_by,
        "groups": len(np.unique(valid.groups)),
        "confidence": bootstrap.CONFIDENCE,
        "rmse_px": {
            "plain": _compare(exact, rounded, valid),
            "flip_average": _compare(flip_averaged(exact), flip_averaged(rounded), valid),
        },
    }


def _compare(exact, rounded, valid):
    float16 = rounded.predict(valid.images)
    before = metrics.rmse_px(exact.predict(valid.images), valid.keypoints)
    after = metrics.rmse_px(float16, valid.keypoints)
    by_keypoint = {
        name: metrics.rmse_px(float16[:, [k]], valid.keypoints[:, [k]]).value()
        for k, name in enumerate(valid.names)
    }
    return {
        "float32": _for_json(bootstrap.estimate(before, valid.groups)),
        "float16": _for_json(bootstrap.estimate(after, valid.groups)),
        "float16_minus_float32": _for_json(bootstrap.difference(before, after, valid.groups)),
        "per_keypoint": {name: rmse for name, rmse in by_keypoint.items() if math.isfinite(rmse)},
    }


def _for_json(estimate):
    """With null where a single person or picture gives no interval."""
    numbers = dataclasses.asdict(estimate).items()
    return {name: number if math.isfinite(number) else None for name, number in numbers}


def make_card(name, net, sources, notes, accuracy):
    """The card, for `preset_store.write_preset`.

    Args:
        name: the preset's.
        net: the `TrainedNet` whose weights it has.
        sources: the data sets that it was trained on.
        notes: from `read_notes`.
        accuracy: by labeller, from `measure`.
    """
    config = net.config
    return {
        "name": name,
        "net": config["model"],
        "description": models.find(config["model"]).description,
        "parameters": net.whole.count_params(),
        "keypoints": list(net.names),
        "coordinates": "px of the 96×96 face crop; (0, 0) is the centre of the top left pixel; "
        "left and right are the person's own",
        "labels_of": net.labels_of,
        "weights": {"dtype": "float16", "arrays": len(net.whole.weights)},
        "trained_on": [
            {
                "labeller": data.labellers[0],
                "source": about["source"],
                "licence": about["licence"],
                "file": data.description,
                "fingerprint": data.fingerprint,
                "split_by": data.grouped_by,
            }
            for data, about in zip(sources, notes["data"], strict=True)
        ],
        "split_seed": config["seed"],
        "hold_out": config["data"].get("hold_out"),
        "accuracy": accuracy,
        "intended_use": notes["intended_use"],
        "limits": notes["limits"],
        "run": _without_folders(config),
    }


def _without_folders(config):
    """The run's configuration without where things lay on the machine that trained it."""
    described = {key: value for key, value in config["data"].items() if key != "path"}
    other_runs = {
        entry: pathlib.PurePath(config[entry]).name
        for entry in ("init_from", "distill_from")
        if config.get(entry)
    }
    return config | {"data": described} | other_runs
