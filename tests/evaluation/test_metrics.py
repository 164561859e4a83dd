"""Metrics by hand-worked numbers."""

import numpy as np
import pytest

import keypoint_schema
from evaluation import metrics

NAN = np.nan
# Two faces, three keypoints, the eye centres first, as in the schema. The second lacks the third.
ACTUAL = np.array([[[60, 30], [30, 30], [45, 50]], [[70, 40], [30, 10], [NAN, NAN]]], float)
PREDICTED = np.array([[[63, 34], [30, 30], [45, 50]], [[70, 40], [30, 20], [5, 5]]], float)


def test_rmse_counts_labelled_coordinates_only():
    ratio = metrics.rmse_px(PREDICTED, ACTUAL)
    np.testing.assert_array_equal(ratio.numerators, [3**2 + 4**2, 10**2])
    np.testing.assert_array_equal(ratio.denominators, [6, 4])
    assert ratio.value() == pytest.approx(np.sqrt(125 / 10))


def test_loss_and_rmse_are_48_apart():
    rmse = metrics.rmse_px(PREDICTED, ACTUAL).value()
    assert metrics.loss(PREDICTED, ACTUAL) == pytest.approx((rmse / 48) ** 2)
    normalized = [keypoint_schema.to_normalized(each) for each in (PREDICTED, ACTUAL)]
    squares = np.square(normalized[0] - normalized[1])
    assert metrics.loss(PREDICTED, ACTUAL) == pytest.approx(np.nanmean(squares))


def test_a_net_without_a_keypoint_is_not_judged_by_it():
    predicted = PREDICTED.copy()
    predicted[:, 0] = NAN
    assert metrics.rmse_px(predicted, ACTUAL).value() == pytest.approx(np.sqrt(100 / 6))


@pytest.mark.parametrize("wrong", [NAN, np.inf])
def test_an_answer_that_is_no_number_is_not_passed_over(wrong):
    predicted = PREDICTED.copy()
    predicted[0, 2] = wrong
    assert not np.isfinite(metrics.rmse_px(predicted, ACTUAL).value())
    predicted = PREDICTED.copy()
    predicted[1, 2] = wrong  # where there is no label
    assert metrics.rmse_px(predicted, ACTUAL).value() == pytest.approx(np.sqrt(125 / 10))


def test_nothing_labelled_gives_nan():
    assert np.isnan(metrics.rmse_px(PREDICTED, np.full_like(ACTUAL, NAN)).value())


def test_nme_by_hand():
    distance = metrics.inter_ocular_distance(ACTUAL)
    np.testing.assert_allclose(distance, [30, 50])
    nme = metrics.face_nme(PREDICTED, ACTUAL, distance)
    np.testing.assert_allclose(nme, [5 / 3 / 30, 10 / 2 / 50])


def test_faces_without_eyes_have_no_nme():
    actual = ACTUAL.copy()
    actual[0, 0] = NAN
    distance = metrics.inter_ocular_distance(actual)
    nme = metrics.face_nme(PREDICTED, actual, distance)
    assert np.isnan(nme[0])
    assert metrics.mean_nme(nme).value() == pytest.approx(0.1)
    assert metrics.failure_rate(nme, 0.05).value() == 1


def test_failure_is_above_the_threshold():
    nme = np.array([0.05, 0.1, 0.11, NAN])
    assert metrics.failure_rate(nme, 0.1).value() == pytest.approx(1 / 3)


def test_area_under_the_error_curve_is_exact():
    nme = np.array([0.0, 0.05, 0.1, 0.4])
    # Steps of a quarter at 0, 0.05 and 0.1: (¼ + ½)/2 of the range up to 0.1.
    assert metrics.error_curve_auc(nme, 0.1).value() == pytest.approx(0.375)
    x, y = metrics.error_curve(nme, 0.1)
    fine = np.linspace(0, 0.1, 100_001)
    steps = y[np.searchsorted(x, fine, side="right") - 1]
    assert np.mean(steps) == pytest.approx(0.375, abs=1e-4)


def test_error_curve_rises_to_the_faces_within_its_limit():
    x, y = metrics.error_curve(np.array([0.3, 0.1, NAN, 0.2]), 0.25)
    np.testing.assert_allclose(x, [0, 0.1, 0.2, 0.25])
    np.testing.assert_allclose(y, [0, 1 / 3, 2 / 3, 2 / 3])
    assert metrics.error_curve(np.array([0.9]), 0.25)[1].max() == 0
