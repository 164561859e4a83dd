"""A training run on disk: its files, its configuration, and the net that it holds.

    runs/<name>/
        config.json    everything needed to repeat it, and its results
        history.csv    one row per epoch
        model.keras    the best weights
        resume.npz     the state to resume from, while it is unfinished
        tensorboard/   logs, on request

A specialists run has a `config.json` and a run folder per specialist; an ensemble has one per fold,
and `out_of_fold.npz`. Nothing is pickled.
"""

import contextlib
import json
import os
import pathlib
import shutil
import zipfile

import keras

import atomic_write
import keypoint_schema
from errors import UserError
from trained_nets import config_form

SPECIALISTS = "specialists"  # what `--model` and config.json call the six together
ENSEMBLE = "ensemble"  # what config.json calls the nets of `--folds` together
NEEDED = ("model", "keypoints", "seed", "data")  # what every config.json has
_FREE = ("results", "versions", "backend", "git_commit")  # what may differ when a run is resumed


class RunFolder:
    """Paths of a run, and its configuration."""

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self.config_file = self.path / "config.json"
        self.history_file = self.path / "history.csv"
        self.model_file = self.path / "model.keras"
        self.resume_file = self.path / "resume.npz"
        self.tensorboard_folder = self.path / "tensorboard"

    def part(self, name: str) -> "RunFolder":
        """Returns the run folder of one specialist, or of one fold."""
        return RunFolder(self.path / name)

    def holds(self, path: str | os.PathLike) -> bool:
        """Returns whether a path is this run folder, or lies in it."""
        return pathlib.Path(path).resolve().is_relative_to(self.path.resolve())

    def parts(self, config: dict) -> dict[str, "RunFolder"]:
        """Returns the runs that make up this one, by name; none if it is a single net's."""
        names = []
        if config["model"] == SPECIALISTS:
            names = [specialist.name for specialist in keypoint_schema.SPECIALISTS]
        elif config["model"] == ENSEMBLE:
            names = fold_names(config["folds"])
        return {name: self.part(name) for name in names}

    def read_config(self) -> dict:
        """Reads the run's configuration.

        Raises:
            UserError: if this is not a run folder.
        """
        if not self.path.is_dir():
            raise UserError(f"There is no run folder {self.path}.")
        try:
            config = json.loads(self.config_file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(
                f"{self.path} is not a run folder of train.py: its config.json cannot be read "
                f"({error})."
            ) from error
        if not isinstance(config, dict) or any(name not in config for name in NEEDED):
            lacking = f"one of {', '.join(NEEDED)}"
        elif not isinstance(config["data"], dict) or "fingerprint" not in config["data"]:
            lacking = "the data's fingerprint"
        elif fault := config_form.find_fault(config):
            raise UserError(f"{self.config_file} is damaged, or was edited by hand: {fault}.")
        else:
            return config
        raise UserError(
            f"{self.path} is not a run folder of train.py: its config.json lacks {lacking}."
        )

    def earlier_results(self, config: dict) -> dict | None:
        """Returns the results of the run to resume; None if there is no run, or no results yet.

        Raises:
            UserError: if its settings differ from `config`; the message names the first.
        """
        if not self.config_file.exists():
            return None
        earlier = self.read_config()
        for setting, wanted in config.items():
            if setting in _FREE or earlier.get(setting) == wanted:
                continue
            was, is_now = earlier.get(setting), wanted
            if isinstance(was, dict) and isinstance(is_now, dict):
                both = was | is_now  # either version may have keys that the other lacks
                # An entry may be null in one and absent in the other.
                differing = next(key for key in both if was.get(key, "") != is_now.get(key, ""))
                setting = f"{setting}.{differing}"
                was, is_now = was.get(differing), is_now.get(differing)
            raise UserError(
                f"--resume needs the same settings: {self.path} has {setting} {was}, this "
                f"command has {is_now}. Repeat the first command with --resume, or choose another "
                "--name."
            )
        return earlier.get("results")

    def write_config(self, config: dict, results: dict | None = None):
        """Writes the configuration, with the results so far, creating the folder if needed.

        Raises:
            UserError: if the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            whole = config | ({"results": results} if results else {})
            text = json.dumps(whole, indent=2, allow_nan=False)
            with atomic_write.replacing(self.config_file) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise UserError(f"The run folder {self.path} cannot be written: {error}.") from error

    @contextlib.contextmanager
    def replaced(self):
        """Sets the run aside while a new one is trained in its place.

        It is restored if the new one fails, and deleted once the new one has its weights. After a
        kill it is still there, beside an unfinished run that must not replace it.
        """
        if self._set_aside.exists() and not self._has_weights():
            self._bring_back()
        self.forget_replaced()
        if self.path.exists():
            self.path.rename(self._set_aside)
        try:
            yield
        except BaseException:
            if self._set_aside.exists():
                self._bring_back()
            raise
        self.forget_replaced()

    def forget_replaced(self):
        """Deletes what a kill during `replaced` left behind, once the new run has its weights."""
        shutil.rmtree(self._set_aside, ignore_errors=True)

    @property
    def _set_aside(self):
        return self.path.with_name(f".old-{self.path.name}")

    def _bring_back(self):
        shutil.rmtree(self.path, ignore_errors=True)
        self._set_aside.rename(self.path)

    def _has_weights(self):
        return self.config_file.exists() and bool(self.read_config().get("results"))

    def save_model(self, model: keras.Model):
        """Writes the model without its optimizer, whose state would double the file."""
        bare = keras.Model.from_config(model.get_config())
        bare.set_weights(model.get_weights())
        with atomic_write.replacing(self.model_file) as temporary:
            bare.save(temporary)

    def load_model(self) -> keras.Model:
        """Loads the model with the best weights.

        Raises:
            UserError: if it does not exist yet, or is damaged.
        """
        if not self.model_file.exists():
            raise UserError(
                f"{self.path} has no model.keras: its training has not ended. "
                "Train it, or continue with --resume."
            )
        remedy = "Restore a copy of it, or train it again with --overwrite."
        if not zipfile.is_zipfile(self.model_file):  # Keras would say that there is no such file
            raise UserError(
                f"{self.model_file} is damaged: its end is missing, or it is not a .keras file at "
                f"all. {remedy}"
            )
        try:
            return keras.models.load_model(self.model_file, compile=False)
        # Whatever Keras, zipfile or HDF5 raises for damaged files: nearly anything.
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"{self.model_file} cannot be loaded: it is damaged, or of another Keras version "
                f"({reason}). {remedy}"
            ) from error


def fold_names(folds: int) -> list[str]:
    """Returns the names of the nets of `--folds`."""
    return [f"fold{number}" for number in range(1, folds + 1)]
