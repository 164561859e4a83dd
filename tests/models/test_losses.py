import keras
import numpy as np
import pytest
import tensorflow as tf

from models import (
    LossOfFaces,
    MaskedHuber,
    MaskedMeanSquaredError,
    RootMeanSquaredErrorPixels,
)
from models.training_model import heatmap_cross_entropy, laplace_loss

Y_TRUE = np.array([[[0.5, 0.0]], [[np.nan, np.nan]], [[-1.0, 0.25]]], np.float32)
Y_PRED = np.array([[[0.0, 0.5]], [[3.0, 4.0]], [[0.0, 0.0]]], np.float32)


def test_loss_is_the_mean_over_labelled_coordinates():
    loss = MaskedMeanSquaredError()(Y_TRUE, Y_PRED)
    assert float(loss) == pytest.approx((0.25 + 0.25 + 1.0 + 0.0625) / 4)


def test_loss_without_labels_is_zero():
    assert float(MaskedMeanSquaredError()(np.full_like(Y_TRUE, np.nan), Y_PRED)) == 0


def test_missing_label_gets_no_gradient():
    predicted = tf.Variable(Y_PRED)
    with tf.GradientTape() as tape:
        loss = MaskedMeanSquaredError()(Y_TRUE, predicted)
    gradient = tape.gradient(loss, predicted).numpy()
    expected = np.where(np.isnan(Y_TRUE), 0, 2 / 4 * (Y_PRED - Y_TRUE))
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)


def test_huber_by_hand():
    # Errors of 0.5, 0.5, 1 and 0.25 of 48 px: all beyond 1.5 px, where the loss is |e| − δ/2.
    assert float(MaskedHuber(1.5)(Y_TRUE, Y_PRED)) == pytest.approx((24 + 24 + 48 + 12) / 4 - 0.75)
    small = np.array([[[0.0, 1 / 48]]], np.float32)  # 1 px: e² / 2δ
    assert float(MaskedHuber(1.5)(np.zeros_like(small), small)) == pytest.approx(1 / 3 / 2)


def rmse(y_true, y_pred):
    metric = RootMeanSquaredErrorPixels()
    metric.update_state(y_true, y_pred)
    return metric.result()


@pytest.mark.parametrize(
    "loss",
    [
        MaskedMeanSquaredError(),
        MaskedHuber(),
        rmse,
        lambda y, answers: laplace_loss(y, answers, np.zeros(y.shape[:2], np.float32)),
        lambda y, _: heatmap_cross_entropy(
            y, np.random.default_rng(0).normal(size=(3, 4, 4, 1)).astype(np.float32)
        ),
    ],
    ids=["mse", "huber", "rmse", "laplace", "heatmaps"],
)
def test_a_keypoint_with_one_coordinate_counts_as_unlabelled(loss):
    half, none = Y_TRUE.copy(), Y_TRUE.copy()
    half[0, 0, 1] = none[0] = np.nan
    assert float(loss(half, Y_PRED)) == float(loss(none, Y_PRED)) > 0
    assert float(loss(half, Y_PRED)) != float(loss(Y_TRUE, Y_PRED))


def test_rmse_weighs_batches_by_their_labels():
    metric = RootMeanSquaredErrorPixels()
    metric.update_state(Y_TRUE[:2], Y_PRED[:2])  # two labelled coordinates, errors 0.5
    metric.update_state(
        np.tile(Y_TRUE[2:], (2, 1, 1)), np.zeros((2, 1, 2), np.float32)
    )  # four, 1 and 0.25
    assert float(metric.result()) == pytest.approx(48 * np.sqrt((0.5 + 2 * 1.0625) / 6))
    metric.reset_state()
    assert float(metric.result()) == 0


def filled_up(values, value):
    """Adds two rows, as to a batch that does not divide by the number of devices."""
    return np.concatenate([values, np.full((2, *values.shape[1:]), value, np.float32)])


@pytest.mark.parametrize(
    "loss",
    [
        MaskedMeanSquaredError(),
        MaskedHuber(),
        rmse,
        lambda y, answers: laplace_loss(y, answers, answers[..., 0]),
        lambda y, answers: heatmap_cross_entropy(y, tf.stack([answers, -answers], axis=1)),
    ],
    ids=["mse", "huber", "rmse", "laplace", "heatmaps"],
)
def test_rows_that_fill_up_a_batch_count_nothing(loss):
    y_true, y_pred = (np.tile(each, (1, 2, 1)) for each in (Y_TRUE, Y_PRED))
    predicted, filled = tf.Variable(y_pred), tf.Variable(filled_up(y_pred, 0.7))
    with tf.GradientTape(persistent=True) as tape:
        expected = loss(y_true, predicted)
        received = loss(filled_up(y_true, np.nan), filled)
    assert float(received) == pytest.approx(float(expected), rel=1e-6)
    if loss is rmse:  # a metric, which has no gradient
        return
    gradients = tape.gradient(received, filled).numpy()
    np.testing.assert_allclose(
        gradients, filled_up(tape.gradient(expected, predicted).numpy(), 0), rtol=1e-5, atol=1e-7
    )


def test_the_loss_of_faces_is_what_keras_calls_the_loss_without_rows_that_fill_up():
    y_true = np.array([[[0.1, 0.2]], [[0.3, np.nan]], [[-0.4, 0.5]]], np.float32)
    y_pred = np.zeros_like(y_true)
    metric = LossOfFaces(MaskedMeanSquaredError())
    metric.update_state(y_true[:2], y_pred[:2])
    metric.update_state(filled_up(y_true[2:], np.nan), filled_up(y_pred[2:], 0.7))
    # Two faces, of which one keypoint has both its coordinates; then one.
    by_hand = (2 * (0.01 + 0.04) / 2 + (0.16 + 0.25) / 2) / 3
    assert float(metric.result()) == pytest.approx(by_hand)
    metric.reset_state()
    assert float(metric.result()) == 0


@pytest.mark.parametrize("loss", [MaskedMeanSquaredError(), MaskedHuber(delta=2.5)])
def test_a_loss_comes_back_from_its_configuration(loss):
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert getattr(again, "delta", None) == getattr(loss, "delta", None)
