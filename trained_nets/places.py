"""What may be named where a trained net is wanted, told by the names of files: nothing is read."""

import os
import pathlib

PRESET_PREFIX = "preset:"  # before a preset's name wherever a run folder may be named


def is_preset(origin: str | os.PathLike) -> bool:
    """Whether this is `preset:<name>` and no path."""
    return os.fspath(origin).startswith(PRESET_PREFIX)


def is_run(path: str | os.PathLike) -> bool:
    """Whether this is a run folder of train.py."""
    return (pathlib.Path(path).expanduser() / "config.json").is_file()


def find_saved_model(path: str | os.PathLike) -> pathlib.Path | None:
    """The SavedModel's folder, or that of its newest version; None if there is none.

    Folders are read as TensorFlow Serving reads them: those with an integer name are versions.
    """
    path = pathlib.Path(path).expanduser()
    if (path / "saved_model.pb").is_file():
        return path
    versions = [each for each in path.glob("*/saved_model.pb") if each.parent.name.isdigit()]
    return max((each.parent for each in versions), key=lambda each: int(each.name), default=None)
