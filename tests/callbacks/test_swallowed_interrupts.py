import contextlib
import signal

import keras
import numpy as np
import pytest

import interrupts
from callbacks import SwallowedInterrupts


class Waiting:
    """A log for which Keras has to wait, and Ctrl-C, or a failure, comes meanwhile."""

    def __init__(self, error, times=1):
        self.error, self.left = error, times

    def __float__(self):
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return 0.5


def end_batch(log, end):
    callback = SwallowedInterrupts()
    container = keras.callbacks.CallbackList([callback], add_history=False, model=keras.Model())
    getattr(container, end)(0, {"loss": log})


@pytest.mark.parametrize("end", ["on_train_batch_end", "on_test_batch_end"])
def test_what_keras_swallows_is_raised(end, monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    end_batch(0.5, end)
    end_batch(np.float32(0.5), end)
    with pytest.raises(KeyboardInterrupt):
        end_batch(Waiting(KeyboardInterrupt()), end)
    with pytest.raises(RuntimeError, match="another process"):
        end_batch(Waiting(RuntimeError("lost another process"), times=2), end)


@pytest.mark.parametrize("end", ["on_train_batch_end", "on_test_batch_end"])
def test_what_tensorflow_swallows_is_raised_until_it_is_answered(end):
    with contextlib.suppress(KeyboardInterrupt):
        interrupts.interrupt(signal.SIGTERM, None)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            end_batch(0.5, end)
    interrupts.forget()
    end_batch(0.5, end)
