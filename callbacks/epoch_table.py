"""The epoch table on the terminal, with a live progress bar."""

import math

import keras
import rich.console
import rich.progress

_HEADER = "  epoch    train loss    valid loss  train/valid  valid RMSE px       time"


class EpochTable(keras.callbacks.Callback):
    """Prints a row per epoch and, on a terminal, a progress bar with an ETA below it.

    Args:
        history: the `HistoryCSV` of this training; it must come earlier in the list of callbacks.
        best: the `BestWeights` of this training, likewise; each new best epoch gets a star.
        epochs: how many the whole training has, including those before it was resumed.
        console: where to print.
        later_steps: steps of the trainings that follow this one; the ETA includes them.
    """

    def __init__(
        self, history, best, epochs: int, console: rich.console.Console, later_steps: int = 0
    ):
        super().__init__()
        self.history = history
        self.best = best
        self.epochs = epochs
        self.console = console
        self.later_steps = later_steps
        self._progress = None

    def on_train_begin(self, logs=None):
        self.console.print(_HEADER, style="bold", highlight=False)
        self._progress = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.TextColumn("epoch {task.fields[epoch]:,} of {task.fields[epochs]:,}"),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TextColumn("ETA"),
            rich.progress.TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task = None
        self._progress.start()

    def on_epoch_begin(self, epoch, logs=None):
        steps = self.params["steps"]
        if self._task is None:  # not in `on_train_begin`: a resumed training starts later than 0
            self._task = self._progress.add_task(
                self.model.name,
                total=(self.epochs - epoch) * steps + self.later_steps,
                epoch=epoch + 1,
                epochs=self.epochs,
            )
        self._progress.update(self._task, epoch=epoch + 1)

    def on_train_batch_end(self, batch, logs=None):
        self._progress.advance(self._task)

    def on_epoch_end(self, epoch, logs=None):
        row = self.history.row
        is_best = self.best.best_epoch == epoch
        self.console.print(
            f"{row['epoch']:7,d}  {row['train_loss']:12.6f}  {_cell(row['valid_loss'], 12, 6)}"
            f"  {_cell(row['train_valid_ratio'], 11, 3)}  {_cell(row['valid_rmse_px'], 13, 3)}"
            f"  {row['seconds']:7.1f} s{'  *' if is_best else ''}",
            style="green" if is_best else None,
            highlight=False,
        )

    def on_train_end(self, logs=None):
        self.close()

    def close(self):
        """Removes the progress bar. Call it after an exception, when Keras skips `on_train_end`."""
        if self._progress is not None:
            self._progress.stop()


def _cell(value, width, digits):
    """Formats a number, right-aligned; NaN, which means that nothing was held out, as a dash."""
    return "–".rjust(width) if math.isnan(value) else f"{value:{width}.{digits}f}"
