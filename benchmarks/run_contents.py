"""What is in a run folder, to the last bit, for runs that must have ended alike."""

import csv
import json
import pathlib
import zipfile

from errors import FailedError

_LOGS = {"log.txt", "tensorboard"}


def differing(run: pathlib.Path, other: pathlib.Path) -> list[str]:
    """Returns the files in which two runs differ, but for their times and logs."""
    found, wanted = contents(run), contents(other)
    return [file for file in found | wanted if found.get(file) != wanted.get(file)]


def contents(run: pathlib.Path) -> dict[str, object]:
    """Reads a run but for its times and logs: files by name, with weights and results."""
    import numpy as np

    found = {}
    for path in sorted(run.rglob("*")):
        name = str(path.relative_to(run))
        if _LOGS & set(path.relative_to(run).parts):
            continue
        if path.name == "config.json":
            config = json.loads(path.read_text())
            config["results"].pop("seconds", None)
            found[name] = config
        elif path.name == "history.csv":
            with open(path, newline="") as file:
                found[name] = [row | {"seconds": ""} for row in csv.DictReader(file)]
        elif path.suffix == ".npz":
            with np.load(path) as stored:
                found[name] = {array: stored[array].tobytes() for array in stored.files}
        elif path.name == "model.keras":
            found[name] = weights(path)
        else:
            found[name] = path.is_dir()
    return found


def weights(file: pathlib.Path) -> dict[str, bytes]:
    """Reads the arrays of a `.keras` file, as bytes by name.

    Raises:
        FailedError: if it has none.
    """
    import h5py

    arrays = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[()].tobytes()

    with (
        zipfile.ZipFile(file) as archive,
        archive.open("model.weights.h5") as stored,
        h5py.File(stored) as groups,
    ):
        groups.visititems(keep)
    if not arrays:
        raise FailedError(f"{file} has no weights.")
    return arrays
