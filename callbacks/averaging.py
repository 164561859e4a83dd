"""The window of the moving average of weights."""

import keras


class AveragingWindow(keras.callbacks.Callback):
    """Lets the average reach back over a share of the steps so far.

    A constant window that is right at the end would hold the initial weights for a long time: an
    early epoch, or a training that is interrupted, would be judged by next to nothing.

    Args:
        share: of the steps up to the end of the epoch. The model's optimizer keeps its
            `ema_momentum` in a variable.
    """

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def on_epoch_begin(self, epoch, logs=None):
        window = max(1.0, self.share * (epoch + 1) * self.params["steps"])
        self.model.optimizer.ema_momentum.assign(1 - 1 / window)
