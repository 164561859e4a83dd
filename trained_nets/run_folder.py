"""A training run on disk: its files, its configuration, and the net that it holds.

    runs/<name>/
        config.json    everything needed to repeat it, and its results
        history.csv    one row per epoch
        model.keras    the best weights
        resume.npz     the state to resume from, while it is unfinished
        tensorboard/   logs, on request
        log.txt        what its training printed, if others went on at the same time

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
import models.public  # noqa: F401, registers the layers and losses that a file may name
from data_pipeline import FaceData
from errors import DivergedError, LostProcessError, UserError, first_line
from trained_nets import config_form, places
from trained_nets.same_settings import require_same_settings


class RunFolder:
    """Paths of a run, and its configuration."""

    def __init__(self, path: str | os.PathLike):
        self.path = pathlib.Path(path)
        self.config_file = self.path / "config.json"
        self.history_file = self.path / "history.csv"
        self.model_file = self.path / "model.keras"
        self.resume_file = self.path / "resume.npz"
        self.tensorboard_folder = self.path / "tensorboard"
        self.log_file = self.path / "log.txt"

    def part(self, name: str) -> "RunFolder":
        """Returns the run folder of one specialist, or of one fold."""
        return RunFolder(self.path / name)

    def holds(self, path: str | os.PathLike) -> bool:
        """Returns whether a path is this run folder, or lies in it."""
        return pathlib.Path(path).expanduser().resolve().is_relative_to(self.path.resolve())

    def parts(self, config: dict) -> dict[str, "RunFolder"]:
        """Returns the runs that make up this one, by name; none if it is a single net's."""
        names = []
        if config["model"] == places.SPECIALISTS_MODEL:
            names = [specialist.name for specialist in keypoint_schema.SPECIALISTS]
        elif config["model"] == places.ENSEMBLE_MODEL:
            names = fold_names(config["folds"])
        return {name: self.part(name) for name in names}

    def is_begun(self) -> bool:
        """Returns whether there is anything here but what a kill left of the first file."""
        return places.is_begun(self.path)

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
        if fault := config_form.find_fault(config):
            raise UserError(
                f"{self.path} is not a run folder of train.py, or its config.json is damaged: "
                f"{fault}."
            )
        return config

    def earlier_results(self, config: dict, data: FaceData) -> dict | None:
        """Returns the results of the run to resume; None if there is no run, or no results yet.

        Args:
            config: what this command would write.
            data: the faces of this command.

        Raises:
            UserError: as `require_same_settings`.
        """
        if not self.config_file.exists():
            return None
        earlier = self.read_config()
        require_same_settings(self.path, earlier, config, data)
        return earlier.get("results")

    def write_config(self, config: dict, results: dict | None = None):
        """Writes the configuration, with the results so far, creating the folder if needed.

        Raises:
            UserError: if the folder cannot be written.
        """
        whole = config | ({"results": results} if results else {})
        text = json.dumps(whole, indent=2, allow_nan=False)
        with atomic_write.refusals_named(self.config_file):
            self.path.mkdir(parents=True, exist_ok=True)
        with atomic_write.replacing(self.config_file) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    @contextlib.contextmanager
    def replaced(self):
        """Sets the run aside while a new one is trained in its place.

        It is restored if the new one fails, and deleted once the new one has its weights, if only
        those from before its loss diverged. Of several nets, all must have weights then. After a
        kill, of this process or another that trained with it, it is still there, beside an
        unfinished run that must not replace it.

        Raises:
            DivergedError: as the block does; says so if the run is restored.
        """
        if self._set_aside.exists() and not self._has_weights():
            self._bring_back()
        self.forget_replaced()
        if self.path.exists():
            with atomic_write.refusals_named(self.path):
                self.path.rename(self._set_aside)
        try:
            yield
        except LostProcessError:
            raise
        except BaseException as error:
            diverged = isinstance(error, DivergedError)
            if diverged and self._can_be_loaded():
                self.forget_replaced()
            elif self._set_aside.exists():
                self._bring_back()
                if diverged:
                    left = f"The earlier run is back in {self.path}."
                    raise DivergedError(error.what, left) from error
            raise
        self.forget_replaced()

    def clear_up_after_kill(self):
        """Deletes what a kill left half-written, and brings back a run that had lost its place."""
        if self._set_aside.exists() and not self.is_begun():
            self._bring_back()
        for folder in (self.path, *filter(pathlib.Path.is_dir, self.path.glob("*"))):
            atomic_write.remove_leftovers(folder)

    def forget_replaced(self):
        """Deletes what a kill during `replaced` left behind, once the new run has its weights."""
        for folder in (self._set_aside, self._failed):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _set_aside(self):
        return self.path.with_name(f".old-{self.path.name}")

    @property
    def _failed(self):
        return self.path.with_name(f".failed-{self.path.name}")

    def _bring_back(self):
        with atomic_write.refusals_named(self.path):
            # Renamed first: a folder that is half deleted could be mistaken for a run.
            shutil.rmtree(self._failed, ignore_errors=True)
            if self.path.exists():
                self.path.rename(self._failed)
            self._set_aside.rename(self.path)
        shutil.rmtree(self._failed, ignore_errors=True)

    def _has_weights(self):
        return self.config_file.exists() and bool(self.read_config().get("results"))

    def _can_be_loaded(self):
        if not self.config_file.exists():
            return False
        nets = self.parts(self.read_config()).values() or [self]
        return all(net.model_file.exists() for net in nets)

    def forget_state(self):
        """Deletes the state to resume from, which a finished run does not need.

        Raises:
            UserError: if it cannot be deleted.
        """
        with atomic_write.refusals_named(self.resume_file):
            self.resume_file.unlink(missing_ok=True)

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
            raise UserError(
                f"{self.model_file} cannot be loaded: it is damaged, or of another Keras version "
                f"({first_line(error)}). {remedy}"
            ) from error


def fold_names(folds: int) -> list[str]:
    """Returns the names of the nets of `--folds`."""
    return [f"fold{number}" for number in range(1, folds + 1)]
