import types

import keras
import pytest

from callbacks import AveragingWindow


@pytest.mark.parametrize(
    ("share", "epoch", "momentum"),
    [
        (0.1, 4, 0.8),  # a tenth of 5 epochs of 10 steps: a window of 5 steps
        (0.5, 1, 0.9),  # half of 20 steps
        (0.1, 0, 0.0),  # one step: the weights themselves
        (0.01, 0, 0.0),  # less than one step counts as one
    ],
)
def test_the_window_is_a_share_of_the_steps_so_far(share, epoch, momentum):
    optimizer = types.SimpleNamespace(ema_momentum=keras.Variable(0.5))
    callback = AveragingWindow(share)
    callback.set_model(types.SimpleNamespace(optimizer=optimizer))
    callback.set_params({"steps": 10})
    callback.on_epoch_begin(epoch)
    assert float(optimizer.ema_momentum) == pytest.approx(momentum)
