"""The form of a run's configuration, which may have been damaged or edited by hand."""

import math

import keypoint_schema
import labelling
from models.recipe import ROWS
from trained_nets import places


def find_fault(config: object) -> str | None:
    """Checks the entries of `config.json` that the project reads.

    Args:
        config: what the file holds.

    Returns:
        What is wrong, as a phrase: which entry must have what form; None if nothing is.
    """
    if fault := _fault_in_entries(config, _RUN):
        return fault
    needed = _OF_ENSEMBLE if config["model"] == places.ENSEMBLE_MODEL else {}
    if config["data"].get("fold") is not None:
        needed = needed | _OF_FOLD
    results = config.get("results") or {}
    if results:
        needed = needed | _OF_RESULTS
    if results.get("valid_labels") is not None:
        needed = needed | _OF_VALIDATION
    return _fault_in_entries(config, needed)


def find_card_fault(card: object) -> str | None:
    """Checks the entries of a preset's card likewise, with the configuration in it."""
    if fault := _fault_in_entries(card, _CARD):
        return fault
    for labeller in map(labelling.full, card["run"].get("labellers") or labelling.UNNAMED):
        if labeller not in card["accuracy"]:
            return f"accuracy must have that by the labels of {labeller[:40]!r}"
    return None


def _fault_in_entries(config, rules):
    for path, (rule, holds, needed) in rules.items():
        found = config
        for key in path.split("."):
            found = found.get(key) if isinstance(found, dict) else None
        if not (holds(found) if found is not None else not needed):
            return f"{path} must be {rule}, not {str(found)[:40]}"
    return None


def _is_whole(value, most=2**63 - 1):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _is_number(value):
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and -1e300 < value < 1e300 and math.isfinite(value)


def _is_text(value):
    return isinstance(value, str)


def _is_object(value):
    return isinstance(value, dict)


def _are_keypoints(value):
    return isinstance(value, list) and all(each in keypoint_schema.NAMES for each in value)


def _are_offsets(value):
    """Numbers (x, y) by the keypoint's name, for each labeller; earlier, for the only one."""
    if not _is_object(value):
        return False
    return all(_is_point(each) or _are_offsets(each) for each in value.values())


def _is_point(value):
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _are_texts(value):
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _data_sets(*entries):
    """The rule for a list of data sets, about each of which these entries say something."""

    def holds(value):
        return isinstance(value, list) and all(
            _is_object(one) and all(_is_text(one.get(entry)) for entry in entries) for one in value
        )

    return "a list of data sets", holds


def _are_accuracies(value):
    """What `benchmarks.preset_card.measure` returns, by labeller."""
    return _is_object(value) and not any(
        _fault_in_entries(each, _ACCURACY) for each in value.values()
    )


def _are_errors(value):
    return _is_object(value) and all(each is None or _is_number(each) for each in value.values())


def _are_labellers_errors(value):
    return _is_object(value) and all(
        _is_object(each) and _is_number(each.get("rmse_px")) and _is_whole(each.get("labels"))
        for each in value.values()
    )


def _needed(rule, holds):
    return rule, holds, True


def _optional(rule, holds):
    return rule, holds, False


_TEXT = ("text", _is_text)
_OBJECT = ("a JSON object", _is_object)
_WHOLE = ("a whole number, at least 0", _is_whole)
_NUMBER = ("a number", _is_number)
_OFFSETS = ("x and y by keypoint, for each labeller", _are_offsets)
_ERRORS = ("a number by keypoint", _are_errors)
_SEED = ("a whole number, at most 2³² − 1", lambda value: _is_whole(value, 2**32 - 1))
_SHARE = ("from 0 up to 1", lambda value: _is_number(value) and 0 <= value < 1)
_SEVERAL = ("a whole number from 1 to 1000", lambda value: _is_whole(value, 1000) and value)
_RUN = {
    "model": _needed(*_TEXT),
    "keypoints": _needed("a list of known keypoints", _are_keypoints),
    "labellers": _optional("a list of names", _are_texts),
    "seed": _needed(*_SEED),
    "description": _needed(*_TEXT),
    "folds": _optional(*_SEVERAL),
    "recipe": _optional(*_OBJECT),
    "recipe.rows": _optional(f"one of {', '.join(ROWS)}", lambda value: value in ROWS),
    "recipe.net_settings": _optional(*_OBJECT),
    "data": _needed(*_OBJECT),
    "data.fingerprint": _needed(*_TEXT),
    "data.description": _needed(*_TEXT),
    "data.hold_out": _optional(*_SHARE),
    "data.grouped_by": _optional(*_TEXT),
    "data.split": _optional(*_TEXT),
    "data.earlier": _optional("a list of fingerprints", _are_texts),
    "data.sources": _optional(*_data_sets("description", "fingerprint", "grouped_by", "split")),
    "data.seen_before": _optional(*_WHOLE),
    "data.fold": _optional(*_OBJECT),
    "data.fold.number": _optional(*_SEVERAL),
    "data.fold.of": _optional(*_SEVERAL),
    "data.fold.split_seed": _optional(*_SEED),
    "results": _optional(*_OBJECT),
    "results.epochs_run": _optional(*_WHOLE),
    "results.best_epoch": _optional(*_WHOLE),
    "results.seconds": _optional(*_NUMBER),
    "results.train_loss": _optional(*_NUMBER),
    "results.valid_rmse_px": _optional(*_NUMBER),
    "results.valid_rmse_px_per_keypoint": _optional(*_ERRORS),
    "results.valid_labels": _optional(*_WHOLE),
    "results.finished": _optional("true or false", lambda value: isinstance(value, bool)),
    "results.valid_per_labeller": _optional(
        "rmse_px and labels, for each labeller", _are_labellers_errors
    ),
    "results.mirror_offset_px": _optional(*_OFFSETS),
}
_OF_ENSEMBLE = {"folds": _needed(*_SEVERAL)}
_OF_FOLD = {  # what repeats its split
    path: _needed(*_RUN[path][:2])
    for path in ("data.fold.number", "data.fold.of", "data.fold.split_seed", "recipe.rows")
}
_OF_RESULTS = {
    path: _needed(*_RUN[path][:2])
    for path in ("results.finished", "results.epochs_run", "results.seconds")
}
_OF_VALIDATION = {
    "results.valid_rmse_px": _needed(*_NUMBER),
    "results.valid_rmse_px_per_keypoint": _needed(
        "a number for each labelled keypoint",
        lambda value: _is_object(value) and all(map(_is_number, value.values())),
    ),
}
_ACCURACY = {
    "measured_on": _needed(*_TEXT),
    "faces": _needed(*_WHOLE),
    "labelled_coordinates": _needed(*_WHOLE),
    "resampled_by": _needed(*_TEXT),
    "groups": _needed(*_WHOLE),
    "confidence": _needed(*_SHARE),
    **{
        f"rmse_px.{way}.{entry}": _needed(rule, holds)
        for way in ("plain", "flip_average")
        for entry, (rule, holds) in {"float16.value": _NUMBER, "per_keypoint": _ERRORS}.items()
    },
}
_CARD = {
    "name": _needed(*_TEXT),
    "description": _needed(*_TEXT),
    "intended_use": _needed(*_TEXT),
    "limits": _needed("text or a list", lambda value: isinstance(value, str | list)),
    "trained_on": _needed(*_data_sets("labeller", "source", "licence")),
    "accuracy": _needed("what was measured, by labeller", _are_accuracies),
    **{f"run.{path}": entry for path, entry in _RUN.items()},
}
