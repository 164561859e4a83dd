"""Recognizes what a user names as a trained net by file names alone, without reading any file.

Nothing here imports Keras, so that a wrong name is told at once.
"""

import os
import pathlib

from errors import UserError, looking_at

PRESET_PREFIX = "preset:"  # before a preset's name wherever a run folder may be named
PRESETS = pathlib.Path(__file__).parent / "presets"
CARD = "card.json"  # of a preset, in its folder
SPECIALISTS_MODEL = "specialists"  # what `--model` and config.json call the six together
ENSEMBLE_MODEL = "ensemble"  # what config.json calls the nets of `--folds` together


def preset_names() -> list[str]:
    """Lists the names of the presets, sorted."""
    return sorted(card.parent.name for card in PRESETS.glob(f"[!.]*/{CARD}"))


def require_preset(name: str):
    """Checks that there is a preset of that name.

    Raises:
        UserError: if there is none.
    """
    if name not in preset_names():
        known = ", ".join(preset_names()) or "none are installed"
        raise UserError(f"There is no preset {name!r}. The presets: {known}.")


def require_net(origin: str | os.PathLike):
    """Checks that there is a preset, a run folder or a SavedModel of that name.

    Raises:
        UserError: if there is none, or it cannot be looked at.
    """
    with looking_at(origin):
        if _is_keras_net(origin) or find_saved_model(origin):
            return
        path = pathlib.Path(origin).expanduser()
        kind = "is neither a run folder nor a SavedModel" if path.exists() else "does not exist"
    raise UserError(
        f"{path} {kind}. Name a run folder of train.py (it has a config.json), or a folder "
        "that export.py wrote (it has a saved_model.pb), or preset:NAME."
    )


def require_keras_net(origin: str | os.PathLike):
    """Checks that there is a preset or a run folder of that name.

    Raises:
        UserError: if there is none, or it cannot be looked at.
    """
    with looking_at(origin):
        if _is_keras_net(origin):
            return
        path = pathlib.Path(origin).expanduser()
        kind = "is not a run folder" if path.exists() else "does not exist"
        if find_saved_model(path):
            kind = "is a SavedModel already"
    raise UserError(
        f"{path} {kind}. Name a run folder of train.py (it has a config.json), or preset:NAME."
    )


def _is_keras_net(origin):
    if is_preset(origin):
        require_preset(os.fspath(origin).removeprefix(PRESET_PREFIX))
        return True
    return is_run(origin)


def is_begun(run: pathlib.Path) -> bool:
    """Returns whether there is anything in a run folder but what a kill left of the first file.

    Raises:
        UserError: if it cannot be looked at.
    """
    with looking_at(run):
        if not run.is_dir():
            return run.exists()
        return any(not each.name.startswith(".tmp-") for each in run.iterdir())


def is_preset(origin: str | os.PathLike) -> bool:
    """Returns whether this is `preset:<name>` rather than a path."""
    return os.fspath(origin).startswith(PRESET_PREFIX)


def is_run(path: str | os.PathLike) -> bool:
    """Returns whether this is a run folder of train.py."""
    return (pathlib.Path(path).expanduser() / "config.json").is_file()


def find_saved_model(path: str | os.PathLike) -> pathlib.Path | None:
    """Finds the SavedModel's folder, or that of its newest version; None if there is none.

    As for TensorFlow Serving, folders with an integer name are versions.
    """
    path = pathlib.Path(path).expanduser()
    if (path / "saved_model.pb").is_file():
        return path
    versions = [each for each in path.glob("*/saved_model.pb") if each.parent.name.isdigit()]
    return max((each.parent for each in versions), key=lambda each: int(each.name), default=None)
