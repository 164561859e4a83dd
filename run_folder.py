"""A training run on disk: its files, its configuration, and the net that it holds.

    runs/<name>/
        config.json    everything needed to repeat it, and its results
        history.csv    a row an epoch
        model.keras    the best weights
        resume.npz     the state to go on with, while it is unfinished
        tensorboard/   logs, on request

A specialists run has a `config.json` and a run folder per specialist. Nothing is pickled.
"""

import dataclasses
import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess

import keras

import keypoint_schema
import models
from errors import UserError

SPECIALISTS = "specialists"  # what `--model` and config.json call the six together


@dataclasses.dataclass(frozen=True)
class LoadedNet:
    """A trained net.

    Attributes:
        model: functional, from images `(batch, 96, 96, 1)`, 0–255, to normalized keypoints
            `(batch, K, 2)`; merged, if it is a specialists run.
        names: the K keypoints' names.
        config: the run's `config.json`.
    """

    model: keras.Model
    names: tuple[str, ...]
    config: dict


class RunFolder:
    """Paths of a run, and its configuration."""

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self.config_file = self.path / "config.json"
        self.history_file = self.path / "history.csv"
        self.model_file = self.path / "model.keras"
        self.resume_file = self.path / "resume.npz"
        self.tensorboard_folder = self.path / "tensorboard"

    def specialist(self, name: str) -> "RunFolder":
        """The run folder of one specialist in a specialists run."""
        return RunFolder(self.path / name)

    def read_config(self) -> dict:
        """The run's configuration.

        Raises:
            UserError: if this is no run folder.
        """
        if not self.path.is_dir():
            raise UserError(f"There is no run folder {self.path}.")
        try:
            return json.loads(self.config_file.read_text())
        except (OSError, json.JSONDecodeError) as error:
            raise UserError(
                f"{self.path} is no run folder of train.py: its config.json cannot be read "
                f"({error})."
            ) from error

    def write_config(self, config: dict):
        """Writes the configuration, creating the folder where needed.

        Raises:
            UserError: if the folder cannot be written.
        """
        temporary = self.path / ".tmp-config.json"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(config, indent=2) + "\n")
            os.replace(temporary, self.config_file)
        except OSError as error:
            raise UserError(f"The run folder {self.path} cannot be written: {error}.") from error

    def save_model(self, model: keras.Model):
        """Writes the model without its optimizer, whose state would double the file."""
        bare = keras.Model.from_config(model.get_config())
        bare.set_weights(model.get_weights())
        temporary = self.path / ".tmp-model.keras"
        bare.save(temporary)
        os.replace(temporary, self.model_file)


def load_net(path: str | os.PathLike) -> LoadedNet:
    """Loads the best weights of a run; a specialists run comes merged into one model.

    Raises:
        UserError: if there is no run, or it has no weights yet.
    """
    run = RunFolder(path)
    config = run.read_config()
    if config["model"] != SPECIALISTS:
        return LoadedNet(_load_model(run), tuple(config["keypoints"]), config)
    nets = {
        specialist.name: _load_model(run.specialist(specialist.name))
        for specialist in keypoint_schema.SPECIALISTS
    }
    return LoadedNet(models.merge_specialists(nets), keypoint_schema.NAMES, config)


def _load_model(run):
    if not run.model_file.exists():
        raise UserError(
            f"{run.path} has no model.keras yet: it was not trained to the end of an epoch. "
            "Train it, or go on with --resume."
        )
    try:
        return keras.models.load_model(run.model_file, compile=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{run.model_file} cannot be loaded: {error}") from error


def provenance() -> dict:
    """What a run was made with: versions, backend and git commit (None outside a checkout)."""
    packages = ("keras", "tensorflow", "jax", "numpy")
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=40"],
        cwd=pathlib.Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "versions": versions,
        "backend": keras.backend.backend(),
        "git_commit": git.stdout.strip() or None,
    }
