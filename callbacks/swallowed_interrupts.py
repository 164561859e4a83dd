"""Ends a training on Ctrl-C even where Keras swallows it."""

import keras


class SwallowedInterrupts(keras.callbacks.Callback):
    """Raises what Keras swallowed while it waited for a step.

    On JAX, steps are waited for where Keras makes plain numbers of the logs, and there it ignores
    any exception: Ctrl-C, or the loss of another process. Then a log is not a number.

    Raises:
        KeyboardInterrupt: if Ctrl-C was swallowed.
        Exception: whatever the step failed with.
    """

    def on_train_batch_end(self, batch, logs=None):
        for value in (logs or {}).values():
            if not isinstance(value, float):
                float(value)  # raises if the step failed
                raise KeyboardInterrupt

    def on_test_batch_end(self, batch, logs=None):
        self.on_train_batch_end(batch, logs)
