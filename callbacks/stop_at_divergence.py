"""Ends a training whose loss is no longer a number."""

import math

import keras


class StopAtDivergence(keras.callbacks.Callback):
    """Ends a training after the first batch whose loss is not finite.

    Keras' `TerminateOnNaN` does so, too, but prints a line into the epoch table.
    """

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(logs["loss"]):
            self.model.stop_training = True
