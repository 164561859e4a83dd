"""Checks that schedules change what steps do, against NumPy; run by test_schedules per backend."""

import keras
import numpy as np

from callbacks import LinearSchedule, NesterovSGD

EPOCHS, STEPS = 5, 3
RATE, MOMENTUM = (0.05, 0.01), (0.0, 0.9)


def numpy_nesterov(x, y, w):
    """A linear model's weights after every epoch, in float64."""
    velocity, after = np.zeros_like(w), []
    for epoch in range(EPOCHS):
        share = epoch / (EPOCHS - 1)
        rate = RATE[0] + (RATE[1] - RATE[0]) * share
        momentum = MOMENTUM[0] + (MOMENTUM[1] - MOMENTUM[0]) * share
        for step in range(STEPS):
            rows = slice(4 * step, 4 * step + 4)
            gradient = 2 * x[rows].T @ (x[rows] @ w - y[rows]) / 4
            velocity = momentum * velocity - rate * gradient
            w = w + momentum * velocity - rate * gradient
        after.append(w)
    return np.array(after)


class Weights(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.after = []

    def on_epoch_end(self, epoch, logs=None):
        self.after.append(self.model.get_weights()[0])


def main():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4 * STEPS, 3)), rng.normal(size=(4 * STEPS, 1))
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    start = model.get_weights()[0].astype(np.float64)
    model.compile(NesterovSGD(RATE[0], MOMENTUM[0]), "mse")
    weights = Weights()
    model.fit(
        x.astype(np.float32),
        y.astype(np.float32),
        batch_size=4,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=[
            LinearSchedule("learning_rate", *RATE, EPOCHS),
            LinearSchedule("momentum_variable", *MOMENTUM, EPOCHS),
            weights,
        ],
    )
    np.testing.assert_allclose(weights.after, numpy_nesterov(x, y, start), rtol=1e-4, atol=1e-6)
    print("weights agree on", keras.backend.backend())


if __name__ == "__main__":
    main()
