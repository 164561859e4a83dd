"""The training history as a CSV file, one row per epoch."""

import csv
import math
import os
import pathlib
import time

import keras

import atomic_write
from errors import UserError

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


def read_history(path: str | os.PathLike) -> list[dict[str, str]]:
    """Reads the whole rows of a history file, as text by column.

    A kill may leave a part of a row at the end, which is left out.

    Raises:
        UserError: if it cannot be read, has other columns, skips an epoch, or a cell is no number.
    """
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            whole = (line for line in file.readlines() if line.endswith(("\n", "\r")))
            reader = csv.DictReader(whole)
            rows, columns = list(reader), reader.fieldnames or []
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"The history {path} cannot be read: {error}.") from error
    if sorted(columns) != sorted(COLUMNS):
        raise UserError(f"The history {path} must have the columns {', '.join(COLUMNS)}.")
    for epoch, row in enumerate(rows, start=1):
        # Of a row that is too long, the reader keeps the rest under None; what lacks is None.
        is_whole = len(row) == len(COLUMNS) and None not in row.values()
        if not is_whole or row["epoch"] != str(epoch):
            raise UserError(
                f"The history {path} is damaged: row {epoch} must be that of epoch {epoch}, with "
                f"{len(COLUMNS)} fields."
            )
        for column, cell in row.items():
            if not _is_cell(column, cell):
                raise UserError(
                    f"The history {path} is damaged: row {epoch}, column {column} cannot be "
                    f"{str(cell)[:40]!r}."
                )
    return rows


def _is_cell(column, text):
    """Whether it is a number from 0 on, or nothing; `seconds` are added up and must be finite."""
    try:
        number = float(text or "nan")
    except ValueError:
        return False
    return number < 1e12 if column == "seconds" else not number < 0


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
        """Reads the rows so far, as text by column; none if there is no file.

        Raises:
            UserError: if it is damaged.
        """
        return read_history(self.path) if self.path.exists() else []

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
