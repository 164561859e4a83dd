"""Saves the state of a training from time to time, so that it can resume after a kill."""

import json
import os
import pathlib
import time
import zipfile

import keras
import numpy as np

import atomic_write


class ResumeState(keras.callbacks.Callback):
    """Keeps everything that the next epoch depends on in one `.npz` file without pickles.

    That is every variable of the model (including dropout seeds) and of the optimizer, the best
    weights so far, and the epoch. Order and augmentation of the data depend only on the epoch.
    A kill loses the epochs since the last save; training them again gives equal results.

    Args:
        path: the state file, written under a temporary name and renamed.
        best: the `BestWeights` of this training, which comes earlier in the list of callbacks.
        every: seconds between saves; the state of a large net is hundreds of megabytes.
        others: variables outside the model and its optimizer, by name.
        history: the history file, which is flushed to disk before the state that includes its rows.
    """

    def __init__(
        self, path: str | os.PathLike, best, every: float = 60.0, others=None, history=None
    ):
        super().__init__()
        self.path = pathlib.Path(path)
        self.best = best
        self.others = others or {}
        self.every = every
        self.history = history

    def load(self, model: keras.Model) -> int:
        """Restores the saved state to a compiled model with a built optimizer, and to `best`.

        Returns:
            The epoch to continue with, counted from 0; 0 if there is no saved state.

        Raises:
            ValueError: if the file is damaged, or was saved by another net.
        """
        if not self.path.exists():
            return 0
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                state = {name: stored[name] for name in stored.files}
            progress = json.loads(str(state["progress"]))
            self._set_variables(state, model)
            if progress["best_epoch"] is not None:
                weights = [state[f"best/{i}"] for i in range(len(model.weights))]
                self.best.resume(progress["best"], progress["best_epoch"], weights)
            return progress["epochs"]
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"{self.path} does not fit this training: {error}.") from error

    def on_train_begin(self, logs=None):
        self._saved_at = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        is_sound = np.isfinite((logs or {}).get("loss", 0.0))
        if is_sound and time.monotonic() - self._saved_at >= self.every:
            self.save(epoch + 1)

    def save(self, epochs: int):
        """Writes the state after that many epochs.

        Raises:
            UserError: if it cannot be written.
        """
        progress = {
            "epochs": epochs,
            "best": self.best.best,
            "best_epoch": self.best.best_epoch,
        }
        state = {"progress": np.array(json.dumps(progress))}
        for name, variable in self._variables(self.model):
            state[name] = keras.ops.convert_to_numpy(variable)
        for i, weight in enumerate(self.best.best_weights or []):
            state[f"best/{i}"] = weight
        if self.history is not None:
            with atomic_write.refusals_named(self.history):
                atomic_write.flush(self.history)
        with atomic_write.replacing(self.path) as temporary:
            np.savez(temporary, **state)
        self._saved_at = time.monotonic()

    def _set_variables(self, state, model):
        variables = self._variables(model)
        for name, variable in variables:
            if state[name].shape != tuple(variable.shape):
                raise ValueError(f"{name} is {state[name].shape}, not {tuple(variable.shape)}")
        for name, variable in variables:
            variable.assign(state[name])

    def _variables(self, model):
        """Returns names and variables of everything that a training step reads or writes."""
        named = [(f"model/{i}", variable) for i, variable in enumerate(model.variables)]
        named += [(f"optimizer/{i}", each) for i, each in enumerate(model.optimizer.variables)]
        return named + list(self.others.items())
