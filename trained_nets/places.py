"""Recognizes what a user names as a trained net by file names alone, without reading any file."""

import os
import pathlib

PRESET_PREFIX = "preset:"  # before a preset's name wherever a run folder may be named


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
