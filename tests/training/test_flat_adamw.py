import keras
import numpy as np
import pytest

from training.flat_adamw import FlatAdamW

RATE = keras.optimizers.schedules.CosineDecay(0.0, 20, warmup_target=0.05, warmup_steps=5)


def small_net(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(3, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(2),
        ]
    )


def fitted(optimizer, scale=1.0):
    """Returns the weights after 12 steps, and the averaged ones."""
    net = small_net()
    random = np.random.default_rng(1)
    x = random.normal(size=(24, 6, 6, 1)).astype("float32")
    y = (scale * random.normal(size=(24, 2))).astype("float32")
    net.compile(optimizer, "mse")
    net.fit(x, y, batch_size=8, epochs=4, shuffle=False, verbose=0)
    averages = [average.numpy() for average in optimizer._model_variables_moving_average]
    return net.get_weights(), averages


@pytest.mark.parametrize("scale", [0.1, 100.0], ids=["short gradients", "clipped gradients"])
def test_it_computes_what_keras_does(scale):
    settings = {"use_ema": True, "ema_momentum": 0.8}
    theirs = keras.optimizers.AdamW(RATE, weight_decay=0.1, global_clipnorm=5.0, **settings)
    theirs.exclude_from_weight_decay(var_names=["bias"])
    expected = fitted(theirs, scale)
    received = fitted(FlatAdamW(RATE, decay=0.1, **settings), scale)
    for own, reference in zip(received, expected, strict=True):
        for one, other in zip(own, reference, strict=True):
            np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-6)


def test_biases_do_not_decay():
    net = small_net()
    for weight in net.trainable_variables:
        weight.assign(np.ones(weight.shape))
    optimizer = FlatAdamW(0.5, decay=0.1)
    optimizer.apply([np.zeros(each.shape, "float32") for each in net.weights], net.weights)
    for weight in net.weights:
        np.testing.assert_allclose(weight, 1.0 if "bias" in weight.name else 0.95)


def test_a_weight_without_gradient_is_an_error():
    net = small_net()
    optimizer = FlatAdamW(0.1)
    optimizer.build(net.trainable_variables)
    gradients = [np.ones(each.shape, "float32") for each in net.weights]
    with (
        pytest.warns(UserWarning, match="Gradients do not exist"),
        pytest.raises(ValueError, match="1 weights have no gradient"),
    ):
        optimizer.apply([None, *gradients[1:]], net.trainable_variables)


def test_its_configuration_makes_an_equal_one():
    optimizer = FlatAdamW(RATE, decay=0.02, clip_norm=1.5, beta_1=0.8, use_ema=True)
    config = keras.saving.serialize_keras_object(optimizer)
    restored = keras.saving.deserialize_keras_object(config)
    assert restored.get_config() == optimizer.get_config()
    assert (restored.decay, restored.clip_norm, restored.beta_1) == (0.02, 1.5, 0.8)
