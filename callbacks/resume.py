"""Saves the state of a training, so that it can resume after a kill or Ctrl-C."""

import json
import os
import pathlib
import time

import keras
import numpy as np

import atomic_write
import interrupts
import npz_file

SECONDS_BETWEEN_SAVES = 60.0  # the state of a large net is hundreds of megabytes


class ResumeState(keras.callbacks.Callback):
    """Keeps everything that the next epoch depends on in one `.npz` file without pickles.

    That is every variable of the model (including dropout seeds) and of the optimizer, the best
    weights so far, and the epoch. Order and augmentation of the data depend only on the epoch.
    It is kept after every epoch, and written from time to time and by `save`. A kill loses the
    epochs since it was last written; training them again gives equal results.

    Args:
        path: the state file, written under a temporary name and renamed.
        best: the `BestWeights` of this training, which comes earlier in the list of callbacks.
        others: variables outside the model and its optimizer, by name.
        history: the history file, which is flushed to disk before the state that includes its rows.
    """

    def __init__(self, path: str | os.PathLike, best, others, history: str | os.PathLike):
        super().__init__()
        self.path = pathlib.Path(path)
        self.best = best
        self.others = others
        self.history = history
        self._kept = None

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
            state = npz_file.read_arrays(self.path)
            progress = _read_progress(state)
            self._set_variables(state, model)
            if progress["best_epoch"] is not None:
                self.best.resume(
                    progress["best"], progress["best_epoch"], _best_weights(state, model)
                )
            return progress["epochs"]
        except ValueError as error:
            raise ValueError(f"{self.path} does not fit this training: {error}.") from error

    def on_train_begin(self, logs=None):
        self._saved_at = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            return
        self.keep(epoch + 1)
        if time.monotonic() - self._saved_at >= SECONDS_BETWEEN_SAVES:
            self.save()

    def keep(self, epochs: int):
        """Keeps the state after so many epochs in memory.

        Ctrl-C comes amid an epoch, when the variables are no longer those of any epoch's end.
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
        self._kept = state

    def save(self):
        """Writes the state that was kept last, if one was.

        Raises:
            UserError: if it cannot be written.
        """
        if self._kept is None:
            return
        with atomic_write.refusals_named(self.history):
            atomic_write.flush(self.history)
        # An interrupt here would make zipfile raise another error.
        with interrupts.delayed(), atomic_write.replacing(self.path) as temporary:
            np.savez(temporary, **self._kept)
        self._saved_at = time.monotonic()

    def _set_variables(self, state, model):
        variables = self._variables(model)
        for name, variable in variables:
            _require_like(state, name, variable)
        for name, variable in variables:
            variable.assign(state[name])

    def _variables(self, model):
        """Returns names and variables of everything that a training step reads or writes."""
        named = [(f"model/{i}", variable) for i, variable in enumerate(model.variables)]
        named += [(f"optimizer/{i}", each) for i, each in enumerate(model.optimizer.variables)]
        return named + list(self.others.items())


def _read_progress(state):
    """Returns the epoch and the best so far, as `ResumeState.save` wrote them."""
    try:
        progress = json.loads(str(state["progress"]))
        epochs, best, best_epoch = (progress[key] for key in ("epochs", "best", "best_epoch"))
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"its progress cannot be read ({error})") from error
    if not _is_epoch(epochs) or not (best_epoch is None or _is_epoch(best_epoch)):
        raise ValueError(f"it says that epoch {best_epoch} is the best of {epochs}")
    if best_epoch is not None and not isinstance(best, int | float):
        raise ValueError(f"it says that the best loss is {best!r}")
    return progress


def _is_epoch(value):
    return type(value) is int and value >= 0


def _best_weights(state, model):
    names = [f"best/{i}" for i in range(len(model.weights))]
    for name, weight in zip(names, model.weights, strict=True):
        _require_like(state, name, weight)
    return [state[name] for name in names]


def _require_like(state, name, variable):
    if name not in state:
        raise ValueError(f"it lacks {name}")
    stored = state[name]
    if stored.shape != tuple(variable.shape):
        raise ValueError(f"{name} is {stored.shape}, not {tuple(variable.shape)}")
    if stored.dtype.kind not in "biuf":
        raise ValueError(f"{name} is of type {stored.dtype}")
