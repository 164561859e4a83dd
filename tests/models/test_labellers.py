"""The net of one labeller, cut out of one that learned several."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from training import from_recipe

POSITIONS = [5, 1, 3]


@pytest.mark.parametrize("name", ["net1", "net6", "heatmap_s"])
def test_it_predicts_what_the_whole_net_does_for_these_keypoints(narrow_zoo, name):
    keras.utils.set_random_seed(1)  # some weights answer 0 to everything
    whole = models.build(name, 6)
    part = models.with_outputs(whole, POSITIONS)
    images = np.random.default_rng(1).integers(0, 256, (2, 96, 96, 1)).astype(np.uint8)
    expected = whole(images).numpy()[:, POSITIONS]
    assert np.abs(expected[:, 0] - expected[:, 1]).max() > 1e-4
    np.testing.assert_allclose(part(images), expected, atol=1e-5)
    assert part.name == whole.name
    assert [layer.name for layer in part.layers] == [layer.name for layer in whole.layers]
    assert part.count_params() < whole.count_params()


@pytest.mark.parametrize("name", ["net1", "heatmap_s"])
def test_a_face_teaches_the_outputs_of_its_labeller_alone(narrow_zoo, name):
    net = models.build(name, 4)
    recipe = models.find(name).recipe
    trained = from_recipe.compiled(net, recipe, steps=1)
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (4, 96, 96, 1)).astype(np.uint8)
    labels = np.full((4, 4, 2), np.nan, np.float32)
    labels[:, 2:] = random.uniform(-0.5, 0.5, (4, 2, 2))  # of the second of two labellers
    output = net.get_layer("output").kernel
    with tf.GradientTape() as tape:
        loss = trained.compute_loss(images, labels, trained(images), training=True)
    gradient = tape.gradient(loss, output.value).numpy().reshape(-1, 4, output.shape[-1] // 4)
    assert not gradient[:, :2].any()
    assert all(gradient[:, k].any() for k in (2, 3))
