"""Early stopping that keeps the best weights."""

import keras
import numpy as np


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights of the best epoch, and stops training when it is too long ago.

    The model gets them back when training ends. After an exception Keras does not call
    `on_train_end`, so whoever catches it must call `restore`.

    Args:
        monitor: the log to minimize; None keeps the last epoch, for training without validation.
        patience: epochs without improvement after which training stops; None never stops it.

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
        """Makes the next training start from the best epoch of an earlier one."""
        self.best, self.best_epoch, self.best_weights = best, best_epoch, best_weights
        self._resumed = True

    def on_train_begin(self, logs=None):
        if not self._resumed:
            self.best, self.best_epoch, self.best_weights = float("inf"), None, None
        self._resumed = False

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor is None:
            if np.isfinite((logs or {}).get("loss", 0.0)):  # else training is about to stop
                self._keep(epoch, self.best)
            return
        if self.monitor not in (logs or {}):
            raise ValueError(
                f"BestWeights monitors {self.monitor!r}, which must be among the logs. "
                f"Received: {sorted(logs or {})}."
            )
        if logs[self.monitor] < self.best:
            self._keep(epoch, float(logs[self.monitor]))
        elif self.is_out_of_patience(epoch):
            self.model.stop_training = True

    def is_out_of_patience(self, epoch: int) -> bool:
        """Whether training stops after this epoch, counted from 0, unless it is the best one."""
        return self.patience is not None and epoch - (self.best_epoch or 0) >= self.patience

    def _keep(self, epoch, value):
        self.best, self.best_epoch = value, epoch
        self.best_weights = self.model.get_weights()

    def on_train_end(self, logs=None):
        self.restore()

    def restore(self):
        """Gives the model its best weights; leaves it as it is if no epoch was completed."""
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
