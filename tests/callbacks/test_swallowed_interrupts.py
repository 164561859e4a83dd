import keras
import numpy as np
import pytest

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
def test_what_keras_swallows_is_raised(end):
    end_batch(0.5, end)
    end_batch(np.float32(0.5), end)
    with pytest.raises(KeyboardInterrupt):
        end_batch(Waiting(KeyboardInterrupt()), end)
    with pytest.raises(RuntimeError, match="another process"):
        end_batch(Waiting(RuntimeError("lost another process"), times=2), end)
