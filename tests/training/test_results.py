"""What is recorded about a trained net, worked out by hand."""

import numpy as np
import pytest

from data_pipeline import FaceData
from tests.run_fixtures import mean_net
from training.results import Validation, measure_results, pool_validation

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
