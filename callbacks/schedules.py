"""Linear schedules over the epochs."""

import keras


class LinearSchedule(keras.callbacks.Callback):
    """Changes a variable of the optimizer linearly, epoch by epoch.

    The value at epoch e (from 0) of E is start + (stop − start) · e / (E − 1), so the first epoch
    runs with `start` and the last with `stop`, as with the tutorial's `np.linspace`.

    Args:
        variable: attribute of the optimizer: "learning_rate", or "momentum_variable" of
            `NesterovSGD`.
        start: value in the first epoch.
        stop: value in the last epoch.
        epochs: E, including the epochs before a training was resumed.

    Raises:
        TypeError: when training begins, if the optimizer has no such variable.

    Source: the tutorial's `AdjustVariable`.
    """

    def __init__(self, variable: str, start: float, stop: float, epochs: int):
        super().__init__()
        self.variable = variable
        self.start = start
        self.stop = stop
        self.epochs = epochs

    def value(self, epoch: int) -> float:
        """Returns the scheduled value at an epoch, counted from 0."""
        share = epoch / (self.epochs - 1) if self.epochs > 1 else 0.0
        return self.start + (self.stop - self.start) * share

    def on_train_begin(self, logs=None):
        if not hasattr(getattr(self.model.optimizer, self.variable, None), "assign"):
            raise TypeError(
                f"{type(self.model.optimizer).__name__} has no variable {self.variable!r}: "
                "assigning a plain number would not reach the compiled step."
            )

    def on_epoch_begin(self, epoch, logs=None):
        getattr(self.model.optimizer, self.variable).assign(self.value(epoch))
