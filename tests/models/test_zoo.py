import keras
import numpy as np
import pytest

import models
import train
from errors import UserError
from models import ZOO, MaskedMeanSquaredError, build, count_flops, names
from tests.running import run_script

NET2_SHAPES = {
    "images": (96, 96, 1),
    "scale": (96, 96, 1),
    "conv1": (94, 94, 32),
    "pool1": (47, 47, 32),
    "conv2": (46, 46, 64),
    "pool2": (23, 23, 64),
    "conv3": (22, 22, 128),
    "pool3": (11, 11, 128),
    "flatten": (15488,),
    "hidden4": (500,),
    "hidden5": (500,),
    "output": (30,),
    "keypoints": (15, 2),
}


def output_shapes(model):
    return {layer.name: layer.output.shape[1:] for layer in model.layers}


def without_weights(name):
    """A net that cannot answer, but takes no memory."""
    with keras.StatelessScope(initialize_variables=False):
        return build(name)


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 96, 96, 1)).astype(np.uint8)


def test_net1_has_one_hidden_layer_of_100():
    shapes = output_shapes(build("net1"))
    assert shapes["hidden"] == (100,)
    assert [name for name in shapes if name.startswith("hidden")] == ["hidden"]


def test_net2_has_the_tutorials_layers():
    assert output_shapes(without_weights("net2")) == NET2_SHAPES


def test_net6_adds_dropout_and_net7_hidden_units():
    model = without_weights("net6")
    rates = {
        layer.name: layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)
    }
    assert rates == {"dropout1": 0.1, "dropout2": 0.2, "dropout3": 0.3, "dropout4": 0.5}
    after = [
        model.layers[i - 1].name for i, layer in enumerate(model.layers) if layer.name in rates
    ]
    assert after == ["pool1", "pool2", "pool3", "hidden4"]
    shapes = output_shapes(without_weights("net7"))
    assert shapes["hidden4"] == shapes["hidden5"] == (1000,)


def test_initial_weights_are_glorot_uniform_and_zero():
    keras.utils.set_random_seed(0)
    hidden = build("net2").get_layer("hidden5")
    kernel, bias = hidden.get_weights()
    limit = np.sqrt(6 / (500 + 500))
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    assert not bias.any()


def test_recipes_are_the_tutorials():
    epochs = {name: ZOO[name].recipe.epochs for name in (f"net{i}" for i in range(1, 8))}
    assert list(epochs.values()) == [400, 1000, 3000, 3000, 3000, 3000, 10000]
    for name in epochs:
        recipe = ZOO[name].recipe
        flips = recipe.augmentation == "flip"
        assert flips == (name in ("net3", "net5", "net6", "net7"))
        assert recipe.batch_size == 128
        schedule = (
            recipe.learning_rate,
            recipe.final_learning_rate,
            recipe.momentum,
            recipe.final_momentum,
        )
        if name in ("net1", "net2", "net3"):
            assert schedule == (0.01, None, 0.9, None)
        else:
            assert schedule == (0.03, 0.0001, 0.9, 0.999)


def test_flops_of_net1_by_hand():
    assert count_flops(build("net1")) == 2 * (96 * 96 * 100 + 100 * 30)


def test_zoo_table_has_a_row_a_net():
    assert models.zoo_table().row_count == len(ZOO)


def test_list_shows_the_zoo_and_the_presets(capsys):
    assert run_script(train, "--list") == 0
    output = capsys.readouterr().out
    assert "net7" in output
    assert "16,561,502" in output
    assert "preset:heatmap_s" in output


def test_names_that_are_known_before_keras_are_the_zoo_s():
    assert tuple(models.ZOO) == names.NETS


def test_unknown_net_is_told_with_the_zoo():
    with pytest.raises(UserError, match=r"no net 'net8'.*net1, net2"):
        build("net8")


@pytest.fixture(params=["float32", "mixed_bfloat16"])
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


# One of each kind: net2 to net5 differ in their recipes alone, and net7 from net6 in its size.
NETS = ("net1", "net2", "net6", "heatmap_s", "heatmap_m", "heatmap_l")


@pytest.mark.parametrize("name", NETS)
def test_contract_of_every_net(name, policy, tmp_path):
    keras.utils.set_random_seed(1)
    model = build(name, num_keypoints=3, model_name="a_specialist")
    assert model.name == "a_specialist"
    predicted = model.predict(images(5), verbose=0)
    assert predicted.shape == (5, 3, 2)
    assert predicted.dtype == np.float32
    assert all(weight.dtype == "float32" for weight in model.trainable_weights)
    # Floats and bytes, and another batch size, give the same.
    tolerance = 1e-5 if policy == "float32" else 2e-2
    alone = model.predict(images(5)[:1].astype(np.float32), verbose=0)
    np.testing.assert_allclose(alone, predicted[:1], atol=tolerance)
    model.save(tmp_path / "net.keras")
    reloaded = keras.models.load_model(tmp_path / "net.keras", compile=False)
    np.testing.assert_array_equal(reloaded.predict(images(5), verbose=0), predicted)


@pytest.mark.parametrize("name", ["net1", "net2", "net6", "heatmap_s"])
def test_every_weight_gets_a_gradient(name):
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    model = build(name, num_keypoints=2)
    with tf.GradientTape() as tape:
        loss = MaskedMeanSquaredError()(np.ones((8, 2, 2), np.float32), model(images(8)))
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert np.abs(gradient).max() > 0, variable.path
