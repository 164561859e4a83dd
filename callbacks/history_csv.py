"""The training history as a CSV file, one row per epoch."""

import csv
import math
import os
import pathlib
import time

import keras

import atomic_write

COLUMNS = (
    "epoch",
    "train_loss",
    "valid_loss",
    "train_valid_ratio",
    "valid_rmse_px",
    "seconds",
    "learning_rate",
    "momentum",
)


class HistoryCSV(keras.callbacks.Callback):
    """Appends a row to a CSV file after every epoch, and keeps it as `row` for other callbacks.

    The losses are the logs `mse` and `val_mse`: mean squared errors even if a net is trained with
    another loss, so that nets can be compared. Without validation, its columns are empty.
    `diverged` is the row of the epoch whose loss was not finite; None if there is none.

    Args:
        path: the file. Call `truncate` before training, to start it or to resume at an epoch.
    """

    def __init__(self, path: str | os.PathLike):
        super().__init__()
        self.path = pathlib.Path(path)
        self.row = None
        self.diverged = None
        self._began = None

    def read(self) -> list[dict[str, str]]:
        """Reads the whole rows so far, as text by column; none if there is no file."""
        if not self.path.exists():
            return []
        with open(self.path, newline="") as file:
            lines = file.readlines()
        return list(csv.DictReader(line for line in lines if line.endswith("\n")))

    def truncate(self, epochs: int):
        """Drops the rows after the first `epochs`; writes the header if there is no file yet."""
        rows = self.read()[:epochs] if epochs else []
        with (
            atomic_write.replacing(self.path) as temporary,
            open(temporary, "w", newline="") as file,
        ):
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)

    def on_epoch_begin(self, epoch, logs=None):
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        optimizer = self.model.optimizer
        valid_loss = logs.get("val_mse", float("nan"))
        momentum = getattr(optimizer, "momentum_variable", None)
        self.row = {
            "epoch": epoch + 1,
            "train_loss": logs["mse"],
            "valid_loss": valid_loss,
            "train_valid_ratio": logs["mse"] / max(valid_loss, 1e-12),
            "valid_rmse_px": logs.get("val_rmse_px", float("nan")),
            "seconds": round(time.perf_counter() - self._began, 3),
            "learning_rate": float(keras.ops.convert_to_numpy(optimizer.learning_rate)),
            "momentum": "" if momentum is None else float(keras.ops.convert_to_numpy(momentum)),
        }
        if not math.isfinite(logs["loss"]):
            self.diverged = self.row
        with atomic_write.refusals_named(self.path), open(self.path, "a", newline="") as file:
            cells = {name: "" if value != value else value for name, value in self.row.items()}
            csv.DictWriter(file, COLUMNS).writerow(cells)
