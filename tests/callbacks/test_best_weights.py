import keras
import numpy as np
import pytest

from callbacks import BestWeights


class Scripted:
    """A model whose weight is its epoch number, with losses from a script."""

    def __init__(self, callback, losses):
        self.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        self.callback = callback
        callback.set_model(self.model)
        callback.on_train_begin()
        self.model.stop_training = False
        self.ran = 0
        for epoch, loss in enumerate(losses):
            self.model.set_weights([np.array([[float(epoch)]])])
            callback.on_epoch_end(epoch, {"val_loss": loss})
            self.ran += 1
            if self.model.stop_training:
                break

    @property
    def weight(self):
        return self.model.get_weights()[0].item()


def test_best_weights_are_restored_when_epochs_run_out():
    training = Scripted(BestWeights(), [5, 3, 4, 6])
    assert training.ran == 4
    training.callback.on_train_end()
    assert training.weight == 1
    assert (training.callback.best, training.callback.best_epoch) == (3, 1)


def test_patience_counts_epochs_since_the_best():
    training = Scripted(BestWeights(patience=2), [5, 3, 4, 2.9, 3, 3, 1])
    assert training.ran == 6
    training.callback.on_train_end()
    assert training.weight == 3


def test_an_equal_loss_is_no_better():
    training = Scripted(BestWeights(patience=2), [3, 3, 3, 3])
    assert (training.ran, training.callback.best_epoch) == (3, 0)


def test_restore_after_an_interruption():
    training = Scripted(BestWeights(), [5, 3, 4])
    assert training.weight == 2
    training.callback.restore()
    assert training.weight == 1


def test_loss_that_is_no_number_is_never_best():
    training = Scripted(BestWeights(patience=2), [float("nan")] * 5)
    assert training.ran == 3
    assert training.callback.best_weights is None


def test_without_validation_the_last_epoch_with_a_sound_loss_is_kept():
    callback = BestWeights(monitor=None)
    model = Scripted(callback, []).model
    for epoch, loss in enumerate([3.0, 5.0, float("nan")]):
        model.set_weights([np.array([[float(epoch)]])])
        callback.on_epoch_end(epoch, {"loss": loss})
    callback.on_train_end()
    assert (callback.best_epoch, model.get_weights()[0].item()) == (1, 1)


@pytest.mark.parametrize("resumed", [False, True])
def test_state_is_fresh_in_another_training(resumed):
    callback = BestWeights()
    if resumed:
        callback.resume(best=0.5, best_epoch=0, best_weights=[np.array([[42.0]])])
    Scripted(callback, [1, 2])
    again = Scripted(callback, [9, 8])
    assert (again.callback.best, again.callback.best_epoch) == (8, 1)


def test_resumed_training_keeps_the_earlier_best():
    callback = BestWeights(patience=3)
    callback.resume(best=0.5, best_epoch=0, best_weights=[np.array([[42.0]])])
    training = Scripted(callback, [3, 2, 1, 1, 1])
    assert training.ran == 4
    callback.on_train_end()
    assert training.weight == 42


def test_missing_monitor_is_an_error_at_the_first_epoch():
    with pytest.raises(ValueError, match="'val_los'"):
        Scripted(BestWeights(monitor="val_los"), [1])


def test_patience_that_ended_long_ago_has_ended():
    callback = BestWeights(patience=3)
    callback.resume(best=0.5, best_epoch=2, best_weights=[])
    assert [callback.is_out_of_patience(epoch) for epoch in (4, 5, 9)] == [False, True, True]
