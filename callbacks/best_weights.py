"""Early stopping that keeps the best weights."""

import keras
import numpy as np


class BestWeights(keras.callbacks.Callback):
    """Remembers the weights of the best epoch, and stops when it is too long ago.

    `restore` puts them back; it is called when training ends, and must be called by whoever
    catches an exception, for Keras does not end training then.

    Args:
        monitor: the log to minimize; None takes the last epoch, where there is nothing to judge by.
        patience: epochs since the best one after which training stops; None never stops.

    Raises:
        ValueError: after the first epoch, if the logs have no such entry.

    Source: the tutorial's `EarlyStopping`, which restored only when patience ran out.
    """

    def __init__(self, monitor: str | None = "val_loss", patience: int | None = None):
        super().__init__()
        self.monitor = monitor
        self.patience = patience
        self.best = float("inf")
        self.best_epoch = None  # counted from 0
        self.best_weights = None
        self._resumed = False

    def resume(self, best: float, best_epoch: int, best_weights: list[np.ndarray]):
        """Goes on from an earlier training's best epoch instead of from nothing."""
        self.best, self.best_epoch, self.best_weights = best, best_epoch, best_weights
        self._resumed = True

    def on_train_begin(self, logs=None):
        if not self._resumed:
            self.best, self.best_epoch, self.best_weights = float("inf"), None, None
        self._resumed = False

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor is None:
            if np.isfinite((logs or {}).get("loss", 0.0)):  # else the training is about to end
                self._keep(epoch, self.best)
            return
        if self.monitor not in (logs or {}):
            raise ValueError(
                f"BestWeights monitors {self.monitor!r}, which training does not report. "
                f"Received: {sorted(logs or {})}."
            )
        if logs[self.monitor] < self.best:
            self._keep(epoch, float(logs[self.monitor]))
        elif self.is_out_of_patience(epoch):
            self.model.stop_training = True

    def is_out_of_patience(self, epoch: int) -> bool:
        """Whether training ends after this epoch, counted from 0, if it is not the best one."""
        return self.patience is not None and epoch - (self.best_epoch or 0) >= self.patience

    def _keep(self, epoch, value):
        self.best, self.best_epoch = value, epoch
        self.best_weights = self.model.get_weights()

    def on_train_end(self, logs=None):
        self.restore()

    def restore(self):
        """Sets the model to the best weights; to nothing new if no epoch was completed."""
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
