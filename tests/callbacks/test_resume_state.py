import json

import keras
import numpy as np
import pytest

import callbacks
from callbacks import BestWeights, ResumeState

GOOD = {"epochs": 2, "best": 0.5, "best_epoch": 1}


def compiled(units=2):
    images = keras.Input((3,))
    model = keras.Model(images, keras.layers.Dense(units)(images))
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def resume_state(file, best):
    history = file.with_name("history.csv")
    history.touch()
    return ResumeState(file, best, {}, history)


@pytest.fixture
def saved(tmp_path):
    model, best = compiled(), BestWeights("val_loss")
    best.resume(0.5, 1, [weight + 1 for weight in model.get_weights()])
    state = resume_state(tmp_path / "resume.npz", best)
    state.set_model(model)
    state.keep(2)
    state.save()
    return tmp_path / "resume.npz", model


def load(file, model):
    best = BestWeights("val_loss")
    return resume_state(file, best).load(model), best


def change(file, **arrays):
    with np.load(file) as stored:
        state = dict(stored)
    state |= {name.replace("__", "/"): array for name, array in arrays.items()}
    np.savez(file, **{name: array for name, array in state.items() if array is not None})


def test_what_was_saved_is_restored(saved):
    file, model = saved
    fresh = compiled()
    epochs, best = load(file, fresh)
    assert (epochs, best.best, best.best_epoch) == (2, 0.5, 1)
    for restored, kept, expected in zip(
        fresh.get_weights(), best.best_weights, model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(restored, expected)
        np.testing.assert_array_equal(kept, expected + 1)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"progress": None}, "progress cannot be read"),
        ({"progress": np.array("[]")}, "progress cannot be read"),
        ({"progress": np.array("{}")}, "progress cannot be read"),
        ({"progress": np.array(json.dumps(GOOD | {"epochs": "x"}))}, "epoch 1 is the best of x"),
        ({"progress": np.array(json.dumps(GOOD | {"epochs": -3}))}, "epoch 1 is the best of -3"),
        ({"progress": np.array(json.dumps(GOOD | {"best_epoch": True}))}, "epoch True is the best"),
        ({"progress": np.array(json.dumps(GOOD | {"best": "y"}))}, "best loss is 'y'"),
        ({"model__0": None}, "lacks model/0"),
        ({"model__0": np.zeros(7)}, r"model/0 is \(7,\), not \(3, 2\)"),
        ({"model__0": np.full((3, 2), "a")}, "model/0 is of type <U1"),
        ({"best__1": np.zeros(7)}, r"best/1 is \(7,\), not \(2,\)"),
        ({"best__1": None}, "lacks best/1"),
    ],
)
def test_a_damaged_state_is_refused_and_says_why(saved, arrays, reason):
    file, model = saved
    change(file, **arrays)
    with pytest.raises(ValueError, match=f"resume.npz does not fit this training: .*{reason}"):
        load(file, model)


def test_no_state_begins_at_the_first_epoch(tmp_path):
    assert load(tmp_path / "resume.npz", compiled())[0] == 0


def test_a_state_is_that_after_the_epoch_and_only_of_sound_losses(saved, monkeypatch):
    monkeypatch.setattr(callbacks.resume, "SECONDS_BETWEEN_SAVES", 0.0)
    file, model = saved
    state = resume_state(file, BestWeights("val_loss"))
    state.set_model(model)
    state.on_train_begin()
    state.on_epoch_end(6, {"loss": 0.5})
    assert load(file, compiled())[0] == 7
    state.on_epoch_end(7, {"loss": float("nan")})
    assert load(file, compiled())[0] == 7
