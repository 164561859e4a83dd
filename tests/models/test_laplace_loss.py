"""The likelihood of distances, worked by hand, and the training that takes it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import models
from errors import UserError
from keypoint_schema import PIXELS_PER_UNIT
from models import MaskedHuber
from models.training_model import laplace_loss
from training import from_recipe

ANSWERS = np.zeros((1, 2, 2), np.float32)


def labels(*pixels):
    """A picture's, as so many px from the answers."""
    return np.array([pixels], np.float32) / PIXELS_PER_UNIT


def loss_and_gradients(y, log_scales):
    answers, scales = tf.Variable(ANSWERS), tf.Variable(np.array([log_scales], np.float32))
    with tf.GradientTape() as tape:
        loss = laplace_loss(y, answers, scales)
    return float(loss), *(each.numpy()[0] for each in tape.gradient(loss, [answers, scales]))


def test_distances_by_their_scales():
    y = labels((3, 4), (0, -12))  # 5 and 12 px
    loss, _, _ = loss_and_gradients(y, [np.log(2), 0])
    assert loss == pytest.approx(((5 / 2 + 2 * np.log(2)) + 12) / 2, abs=1e-3)


def test_the_best_scale_is_half_the_distance():
    y = labels((3, 4), (0, -12))
    _, _, at_best = loss_and_gradients(y, np.log([5 / 2, 12 / 2]))
    np.testing.assert_allclose(at_best, 0, atol=1e-3)
    _, _, too_small = loss_and_gradients(y, np.log([1, 1]))
    assert (too_small < 0).all()  # to be raised


def test_what_is_unsure_pulls_less():
    _, pull, _ = loss_and_gradients(labels((5, 0), (5, 0)), [np.log(4), 0])
    assert pull[1, 0] == pytest.approx(4 * pull[0, 0])
    assert pull[1, 0] == pytest.approx(-PIXELS_PER_UNIT / 2, rel=1e-3)  # of two keypoints


def test_missing_labels_pull_at_nothing():
    y = labels((3, 4), (np.nan, 1))
    loss, pull, scales = loss_and_gradients(y, [0, 3])
    assert loss == pytest.approx(5, abs=1e-2)
    assert not pull[1].any()
    assert scales[1] == 0
    nothing = loss_and_gradients(np.full((1, 2, 2), np.nan, np.float32), [0, 3])
    assert nothing[0] == 0
    assert not np.any(nothing[1])


def test_an_answer_on_its_label_has_a_gradient_that_is_a_number():
    _, pull, scales = loss_and_gradients(labels((0, 0), (0, 0)), [0, 0])
    assert np.isfinite(pull).all()
    assert np.isfinite(scales).all()


def faces_and_labels():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (4, 96, 96, 1)).astype(np.uint8)
    keypoints = random.uniform(-0.5, 0.5, (4, 2, 2)).astype(np.float32)
    keypoints[0, 1] = np.nan
    return images, keypoints


@pytest.mark.filterwarnings("error")
def test_training_takes_it_and_validation_does_not():
    keras.utils.set_random_seed(1)
    images, keypoints = faces_and_labels()
    net = models.build("heatmap_s", 2)
    recipe = models.Recipe(epochs=1, loss="laplace")
    trained = from_recipe.compiled(net, recipe, steps=1)
    answers = trained(images)["keypoints"]
    validation = trained.evaluate(images, keypoints, verbose=0, return_dict=True)
    assert validation["loss"] == pytest.approx(float(MaskedHuber()(keypoints, answers)), rel=1e-5)
    trained.reset_metrics()  # Keras 3.12 goes on with those of `evaluate`
    training = trained.train_on_batch(images, keypoints, return_dict=True)
    scales = np.zeros(keypoints.shape[:2], np.float32)  # 1 px to begin with
    expected = float(laplace_loss(keypoints, answers, scales))
    assert training["loss"] == pytest.approx(expected, rel=1e-5)
    assert trained.get_layer("log_scales").bias.numpy().any()  # they learn
    assert "log_scales" not in [layer.name for layer in net.layers]


def test_nets_without_context_are_refused():
    recipe = models.Recipe(epochs=1, loss="laplace")
    with pytest.raises(UserError, match="net1 has no heatmaps; loss must be mse or huber for it"):
        from_recipe.compiled(models.build("net1"), recipe, steps=1)
