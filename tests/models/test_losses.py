import numpy as np
import pytest
import tensorflow as tf

from models import MaskedHuber, MaskedMeanSquaredError, RootMeanSquaredErrorPixels

Y_TRUE = np.array([[[0.5, np.nan]], [[np.nan, np.nan]], [[-1.0, 0.25]]], np.float32)
Y_PRED = np.array([[[0.0, 9.0]], [[3.0, 4.0]], [[0.0, 0.0]]], np.float32)


def test_loss_is_the_mean_over_labelled_coordinates():
    loss = MaskedMeanSquaredError()(Y_TRUE, Y_PRED)
    assert float(loss) == pytest.approx((0.25 + 1.0 + 0.0625) / 3)


def test_loss_without_labels_is_zero():
    assert float(MaskedMeanSquaredError()(np.full_like(Y_TRUE, np.nan), Y_PRED)) == 0


def test_missing_label_gets_no_gradient():
    predicted = tf.Variable(Y_PRED)
    with tf.GradientTape() as tape:
        loss = MaskedMeanSquaredError()(Y_TRUE, predicted)
    gradient = tape.gradient(loss, predicted).numpy()
    expected = np.where(np.isnan(Y_TRUE), 0, 2 / 3 * (Y_PRED - Y_TRUE))
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)


def test_huber_by_hand():
    # Errors of 0.5, 1 and 0.25 of 48 px: all beyond 1.5 px, where the loss is |e| − δ/2.
    assert float(MaskedHuber(1.5)(Y_TRUE, Y_PRED)) == pytest.approx((24 + 48 + 12) / 3 - 0.75)
    small = np.array([[[0.0, 1 / 48]]], np.float32)  # 1 px: e² / 2δ
    assert float(MaskedHuber(1.5)(np.zeros_like(small), small)) == pytest.approx(1 / 3 / 2)


def test_rmse_weighs_batches_by_their_labels():
    metric = RootMeanSquaredErrorPixels()
    metric.update_state(Y_TRUE[:1], Y_PRED[:1])  # one labelled coordinate, error 0.5
    metric.update_state(Y_TRUE[1:], Y_PRED[1:])  # two, errors 1 and 0.25
    assert float(metric.result()) == pytest.approx(48 * np.sqrt((0.25 + 1.0 + 0.0625) / 3))
    metric.reset_state()
    assert float(metric.result()) == 0
