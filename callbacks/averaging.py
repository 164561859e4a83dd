"""The window of the moving average of weights."""

import keras


class AveragingWindow(keras.callbacks.Callback):
    """Sets the average's window to a share of the steps so far.

    A constant window that suits the end of training would retain the initial weights for a long
    time: early epochs, or an interrupted training, would be judged by barely trained weights.

    Args:
        share: share of the steps up to the end of the epoch. The model's optimizer must keep its
            `ema_momentum` in a variable.
    """

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def on_epoch_begin(self, epoch, logs=None):
        window = max(1.0, self.share * (epoch + 1) * self.params["steps"])
        self.model.optimizer.ema_momentum.assign(1 - 1 / window)
