"""Ends a training on Ctrl-C even where TensorFlow or Keras swallows it."""

import keras

import interrupts


class SwallowedInterrupts(keras.callbacks.Callback):
    """Raises what was swallowed during a step, or while Keras waited for one.

    On JAX, steps are waited for where Keras makes plain numbers of the logs, and there it ignores
    any exception: Ctrl-C, or the loss of another process. Then a log is not a number. On
    TensorFlow, looking at the logs would mean to wait for every step of the validation.

    Raises:
        KeyboardInterrupt: if Ctrl-C was swallowed.
        Exception: whatever the step failed with.
    """

    def on_train_batch_end(self, batch, logs=None):
        interrupts.require_none()
        if keras.backend.backend() != "jax":
            return
        for value in (logs or {}).values():
            if not isinstance(value, float):
                float(value)  # raises if the step failed
                raise KeyboardInterrupt

    def on_test_batch_end(self, batch, logs=None):
        self.on_train_batch_end(batch, logs)
