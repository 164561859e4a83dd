import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from callbacks import LinearSchedule, NesterovSGD
from tests import ROOT
from tests.callbacks import schedule_check


def test_schedules_change_the_weights_as_in_numpy():
    schedule_check.main()


def test_schedules_change_the_weights_on_jax():
    done = subprocess.run(
        [sys.executable, "-m", "tests.callbacks.schedule_check"],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "weights agree on jax" in done.stdout, done.stderr


def small_model():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(2)]
    )


def fitted_weights(optimizer):
    model = small_model()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(64, 6)), rng.normal(size=(64, 2))
    model.compile(optimizer, "mse", jit_compile=False)
    model.fit(x, y, batch_size=16, epochs=4, shuffle=False, verbose=0)
    return model.get_weights()


@pytest.mark.parametrize("momentum", [0.9, 0.0])
def test_constant_momentum_equals_stock_nesterov_bit_for_bit(momentum):
    ours = fitted_weights(NesterovSGD(0.03, momentum))
    stock = fitted_weights(keras.optimizers.SGD(0.03, momentum, nesterov=True))
    for a, b in zip(ours, stock, strict=True):
        np.testing.assert_array_equal(a, b)


def test_optimizer_survives_saving(tmp_path):
    model = small_model()
    model.compile(NesterovSGD(0.03, 0.8), "mse", jit_compile=False)
    model.fit(np.ones((4, 6)), np.ones((4, 2)), verbose=0)
    model.optimizer.momentum_variable.assign(0.95)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").optimizer
    assert float(again.momentum_variable) == np.float32(0.95)
    for a, b in zip(again.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_schedule_is_linear_from_first_to_last_epoch():
    schedule = LinearSchedule("learning_rate", 0.03, 0.0001, 3000)
    expected = np.linspace(0.03, 0.0001, 3000)
    np.testing.assert_allclose([schedule.value(epoch) for epoch in range(3000)], expected)
    assert LinearSchedule("learning_rate", 0.03, 0.0001, 1).value(0) == 0.03


def test_schedule_of_a_plain_number_is_refused():
    model = small_model()
    model.compile(keras.optimizers.SGD(0.1, 0.9), "mse", jit_compile=False)
    with pytest.raises(TypeError, match="SGD has no variable 'momentum'"):
        model.fit(
            np.ones((4, 6)),
            np.ones((4, 2)),
            verbose=0,
            callbacks=[LinearSchedule("momentum", 0.9, 0.99, 2)],
        )
