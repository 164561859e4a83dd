"""What is recorded about a trained net, worked out by hand."""

import numpy as np
import pytest

from data_pipeline import FaceData
from evaluation import metrics
from tests.run_fixtures import mean_net
from training.error_sums import ErrorSums
from training.results import Validation, measure_results, pool_validation, validate

EYES = ("left_eye_center", "right_eye_center")
SYMMETRIC = np.array([[70, 40], [25, 40]], np.float32)


def faces(count, shift):
    """Faces whose labels lie so many px to the right of symmetric ones."""
    keypoints = np.tile(SYMMETRIC + np.float32([shift, 0]), (count, 1, 1))
    return FaceData(np.zeros((count, 96, 96, 1), np.uint8), keypoints, np.arange(count), EYES)


def test_errors_and_offsets_are_those_of_faces_that_were_held_out():
    net, train, valid = mean_net(SYMMETRIC), faces(6, 1.0), faces(3, 4.0)
    rows = [{"seconds": "1"}, {"seconds": "2"}]
    results = measure_results(net, rows, train, valid, best_epoch=4, finished=True)
    assert (results.best_epoch, results.epochs_run, results.seconds) == (5, 2, 3)
    assert results.validation.rmse_px == pytest.approx(np.sqrt(4**2 / 2), rel=1e-4)
    assert results.train_loss == pytest.approx(1 / 2 / 48**2, rel=1e-3)
    assert results.mirror_offset_px["unnamed"]["left_eye_center"] == pytest.approx([4, 0], abs=1e-3)


def test_if_none_was_held_out_offsets_are_those_of_the_others():
    rows = [{"seconds": "1"}]
    results = measure_results(mean_net(SYMMETRIC), rows, faces(6, 1.0), faces(0, 4.0), 0, True)
    assert results.validation is None
    assert results.mirror_offset_px["unnamed"]["left_eye_center"] == pytest.approx([1, 0], abs=1e-3)


def test_errors_are_those_of_the_metric_for_each_labeller_and_keypoint():
    rng = np.random.default_rng(0)
    actual = rng.uniform(20, 70, (40, 2, 2)).astype(np.float32)
    actual[rng.random((40, 2)) < 0.3] = np.nan
    predicted = actual.copy()
    predicted[np.isnan(actual)] = 0
    predicted += rng.normal(0, 2, predicted.shape).astype(np.float32)
    data = FaceData(
        np.zeros((40, 96, 96, 1), np.uint8),
        actual,
        np.arange(40),
        EYES,
        labellers=("a", "b"),
        labelled_by=rng.integers(0, 2, 40),
    )
    errors = ErrorSums(data)
    for rows in (slice(15), slice(15, None)):
        errors.add(predicted[rows], data.rows(rows))
    found = validate(predicted, data)
    of_b = data.labelled_by == 1
    assert found.rmse_px == pytest.approx(errors.rmse_px())
    assert found.rmse_px == pytest.approx(metrics.rmse_px(predicted, actual).value())
    expected = metrics.rmse_px(predicted[:, [1]], actual[:, [1]]).value()
    assert found.rmse_px_per_keypoint[EYES[1]] == pytest.approx(expected)
    expected = metrics.rmse_px(predicted[of_b], actual[of_b]).value()
    assert found.per_labeller["b"]["rmse_px"] == pytest.approx(expected)
    assert found.per_labeller["b"]["labels"] == np.isfinite(actual[of_b]).sum()
    predicted[3] = np.nan
    actual[3] = 40
    assert np.isnan(validate(predicted, data).rmse_px)


def test_errors_of_nets_for_different_keypoints_are_pooled_by_their_labels():
    pooled = pool_validation(
        [
            Validation(3.0, {"nose_tip": 3.0}, 2, {"a": {"rmse_px": 3.0, "labels": 2}}),
            Validation(1.0, {"left_eye_center": 1.0}, 6, {"a": {"rmse_px": 1.0, "labels": 6}}),
        ]
    )
    assert (pooled.rmse_px, pooled.labels) == (pytest.approx(np.sqrt((2 * 9 + 6) / 8)), 8)
    assert list(pooled.rmse_px_per_keypoint) == ["left_eye_center", "nose_tip"]
    assert pooled.per_labeller["a"] == {"rmse_px": pytest.approx(np.sqrt(3)), "labels": 8}
