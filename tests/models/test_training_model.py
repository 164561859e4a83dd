"""Cross-entropy on heatmaps, worked by hand; the twin; and the training that adds them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keypoint_schema
import models
from errors import UserError
from models import MaskedHuber, TrainingModel
from models.heatmap_layers import SoftArgmax
from models.training_model import heatmap_cross_entropy
from training import from_recipe

# Heatmaps that are easy to work out are a cell high.
pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1")


def labels(*pixels):
    """A picture's, from px."""
    return keypoint_schema.to_normalized(np.array([pixels], np.float32))


def heatmaps(*logits):
    """A picture's, from a row of cells each; 96 px long, 1 cell high."""
    return np.array(logits, np.float32).T[None, None]


def cross_entropy(y, logits):
    return float(heatmap_cross_entropy(y, logits))


def test_two_cells_by_hand():
    # Their centres are at 23.5 and 71.5 px; e^0 : e^ln 3 are shares of ¼ and ¾.
    logits = heatmaps([0, np.log(3)])
    assert cross_entropy(labels((23.5, 47.5)), logits) == pytest.approx(np.log(4))
    assert cross_entropy(labels((71.5, 47.5)), logits) == pytest.approx(np.log(4 / 3))
    halfway = (np.log(4) + np.log(4 / 3)) / 2
    assert cross_entropy(labels((47.5, 47.5)), logits) == pytest.approx(halfway)


def test_target_is_a_gaussian_of_3_px_about_the_label():
    logits = tf.Variable(heatmaps(np.zeros(32)))  # cells of 3 px, the first one's centre at 1 px
    with tf.GradientTape() as tape:
        loss = heatmap_cross_entropy(labels((31, 47.5)), logits)
    # The gradient of a softmax's cross-entropy: shares minus targets.
    targets = 1 / 32 - tape.gradient(loss, logits).numpy()[0, 0, :, 0]
    assert targets.sum() == pytest.approx(1, rel=1e-5)
    steps = np.arange(32) - 10
    np.testing.assert_allclose(targets / targets[10], np.exp(-(steps**2) / 2), atol=1e-6)


def test_rows_are_y_and_columns_x():
    logits = np.full((1, 2, 2, 1), -30, np.float32)
    logits[0, 0, 1] = 30  # top right
    assert cross_entropy(labels((71.5, 23.5)), logits) == pytest.approx(0, abs=1e-6)
    assert cross_entropy(labels((23.5, 71.5)), logits) == pytest.approx(60)


def test_heatmaps_in_two_dimensions_match_the_definition():
    random = np.random.default_rng(0)
    logits = random.normal(size=(3, 4, 6, 2)).astype(np.float32)  # cells of 16×24 px
    pixels = random.uniform(0, 95, (3, 2, 2)).astype(np.float32)
    y, x = np.mgrid[11.5:95:24, 7.5:95:16]
    squares = (x - pixels[..., :1, None]) ** 2 + (y - pixels[..., 1:, None]) ** 2
    targets = np.exp(-squares / (2 * 3.0**2))
    targets /= targets.sum((2, 3), keepdims=True)
    shares = np.exp(logits) / np.exp(logits).sum((1, 2), keepdims=True)
    expected = -(targets * np.log(shares).transpose(0, 3, 1, 2)).sum((2, 3)).mean()
    keypoints = keypoint_schema.to_normalized(pixels)
    assert cross_entropy(keypoints, logits) == pytest.approx(expected, rel=1e-5)


def test_mean_is_over_labelled_keypoints_only():
    logits = np.concatenate([heatmaps([0, np.log(3)], [0, 0])] * 2)
    y = np.concatenate(
        [labels((23.5, 47.5), (np.nan, 47.5)), labels((np.nan, np.nan), (71.5, 47.5))]
    )
    assert cross_entropy(y, logits) == pytest.approx((np.log(4) + np.log(2)) / 2)
    logits[0, ..., 1] = logits[1, ..., 0] = 99  # unlabelled
    assert cross_entropy(y, logits) == pytest.approx((np.log(4) + np.log(2)) / 2)


def test_missing_label_gets_no_gradient():
    logits = tf.Variable(heatmaps([0, np.log(3)], [1, 2], [2, 1]))
    with tf.GradientTape() as tape:
        loss = heatmap_cross_entropy(labels((23.5, 47.5), (np.nan, np.nan), (30, np.nan)), logits)
    gradient = tape.gradient(loss, logits).numpy()[0, 0].T
    # Shares ¼, ¾ minus targets 1, 0.
    np.testing.assert_allclose(gradient, [[-0.75, 0.75], [0, 0], [0, 0]], atol=1e-6)


def test_no_labels_cost_nothing():
    y = np.full((2, 1, 2), np.nan, np.float32)
    logits = tf.Variable(np.ones((2, 3, 4, 1), np.float32))
    with tf.GradientTape() as tape:
        loss = heatmap_cross_entropy(y, logits)
    assert float(loss) == 0
    assert not tape.gradient(loss, logits).numpy().any()


@pytest.fixture
def net():
    keras.utils.set_random_seed(3)
    images = keras.Input((96, 96, 1), name="images")
    x = keras.layers.Rescaling(1 / 255)(keras.layers.AveragePooling2D(16)(images))
    x = keras.layers.Conv2D(3, 3, padding="same", activation="relu")(x)
    logits = keras.layers.Conv2D(2, 3, padding="same", name="output")(x)
    return keras.Model(images, SoftArgmax(name="keypoints")(logits), name="small")


@pytest.fixture
def batch():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (4, 96, 96, 1)).astype(np.uint8)
    keypoints = random.uniform(-0.5, 0.5, (4, 2, 2)).astype(np.float32)
    keypoints[0, 1] = keypoints[1] = np.nan
    return images, keypoints


def compiled(net, weight):
    recipe = models.Recipe(
        epochs=1,
        loss="huber",
        heatmap_loss=weight,
        learning_rate=0.1,
    )
    return from_recipe.compiled(net, recipe, steps=1)


def logits_of(net, images):
    return keras.Model(net.input, net.layers[-1].input)(images)


@pytest.mark.filterwarnings("error")  # Keras warns of inputs in another structure
def test_training_adds_the_cross_entropy_and_validation_does_not(net, batch):
    images, keypoints = batch
    trained = compiled(net, 0.25)
    alone = float(MaskedHuber()(keypoints, net(images)))
    added = 0.25 * cross_entropy(keypoints, logits_of(net, images))
    assert added > 0.1
    validation = trained.evaluate(images, keypoints, verbose=0, return_dict=True)
    assert validation["loss"] == pytest.approx(alone, rel=1e-5)
    errors = (np.asarray(net(images)) - keypoints)[np.isfinite(keypoints)]
    assert validation["mse"] == pytest.approx((errors**2).mean(), rel=1e-5)
    trained.reset_metrics()  # Keras 3.12 goes on with those of `evaluate`
    training = trained.train_on_batch(images, keypoints, return_dict=True)
    assert training["loss"] == pytest.approx(alone + added, rel=1e-5)
    assert training["mse"] == pytest.approx(validation["mse"], rel=1e-5)


def test_what_is_trained_is_the_net_itself(net, batch):
    trained = compiled(net, 0.25)
    assert isinstance(trained, TrainingModel)
    assert [id(weight) for weight in trained.weights] == [id(weight) for weight in net.weights]
    before = np.asarray(net(batch[0]))
    trained.train_on_batch(*batch)
    after = np.asarray(net(batch[0]))
    assert np.isfinite(after).all()
    assert np.abs(after - before).max() > 1e-5
    np.testing.assert_array_equal(trained(batch[0])["keypoints"], after)


def test_heatmaps_are_taught_where_the_keypoints_are_right_already(net, batch):
    images, _ = batch
    answers = np.asarray(net(images))  # no error, so the cross-entropy alone has a gradient
    trained = compiled(net, 1.0)
    before = cross_entropy(answers, logits_of(net, images))
    for _ in range(5):
        trained.train_on_batch(images, answers)
    assert cross_entropy(answers, logits_of(net, images)) < before


def test_without_a_heatmap_loss_the_net_is_compiled_as_it_is(net):
    assert compiled(net, 0.0) is net


def test_a_net_without_heatmaps_is_refused():
    net = models.build("net1", 1)
    with pytest.raises(ValueError, match="net1 has no heatmaps"):
        TrainingModel(net, 0.2)
    with pytest.raises(UserError, match="heatmap_loss must be 0"):
        compiled(net, 0.2)
