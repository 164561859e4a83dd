"""The optimizer that a recipe asks for."""

import keras
import pytest

import models
from training import from_recipe


def optimizer_of(steps, **settings):
    images = keras.Input((3,))
    model = keras.Model(images, keras.layers.Dense(2)(images))
    return from_recipe.compiled(model, models.Recipe(**settings), steps).optimizer


def test_adamw_warms_up_and_falls_to_a_hundredth():
    optimizer = optimizer_of(
        5, epochs=10, optimizer="adamw", learning_rate=0.02, warmup_epochs=2, weight_decay=0.07
    )
    rates = {}
    for step in (0, 5, 10, 30, 50):  # two epochs of 5 steps up, eight down
        optimizer.iterations.assign(step)
        rates[step] = float(optimizer.learning_rate)
    assert rates == pytest.approx({0: 0, 5: 0.01, 10: 0.02, 30: 0.02 * 1.01 / 2, 50: 0.0002})
    assert optimizer.decay == 0.07


def test_a_training_shorter_than_its_warmup_has_a_last_epoch_to_fall():
    optimizer = optimizer_of(4, epochs=3, optimizer="adamw", learning_rate=0.02, warmup_epochs=5)
    optimizer.iterations.assign(8)
    assert float(optimizer.learning_rate) == pytest.approx(0.02)
