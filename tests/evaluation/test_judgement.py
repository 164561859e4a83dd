"""Which labels each figure about a net is over, worked out by hand."""

import json
import math

import numpy as np
import pytest

import keypoint_schema
from evaluation.judgement import NetPredictions, judge
from evaluation.metrics import EYES
from evaluation.results import Results


def test_each_figure_is_over_the_labels_that_it_is_about():
    # Four faces, whose keypoints lie 10 px apart: so do the centres of the eyes.
    labels = np.zeros((4, 15, 2))
    labels[..., 0] = 10 * np.arange(15)
    predicted = labels.copy()
    predicted[:2, :, 0] += 2
    predicted[2:, :, 0] += 1
    judged, trained_on = labels.copy(), labels.copy()
    judged[2:] = trained_on[:2] = np.nan
    judged[:, keypoint_schema.indices(EYES)] = np.nan  # the distance between them is known
    net = NetPredictions("net", "", predicted, judged, trained_on)
    judgement = judge(net, labels, np.arange(4), threshold=0.1)
    assert (judgement.faces, judgement.labels) == (2, 2 * 13 * 2)
    assert judgement.rmse_px.value == pytest.approx(math.sqrt(4 / 2))  # x and y
    assert judgement.nme.value == pytest.approx(2 / 10)
    assert (judgement.failure_rate.value, judgement.auc.value) == (1, 0)
    assert judgement.plain_train_loss == pytest.approx(1 / 2 / 48**2)
    assert judgement.keypoints["nose_tip"].value == pytest.approx(math.sqrt(2))
    assert math.isnan(judgement.keypoints["left_eye_center"].value)
    assert judgement.specialists["nose_tip"].value == pytest.approx(math.sqrt(2))


def test_answers_without_bounds_become_null_for_strict_readers_of_json():
    labels = np.random.default_rng(0).uniform(0, 95, (4, 15, 2))
    predicted = np.full_like(labels, np.inf)
    judgement = judge(NetPredictions("net", "", predicted, labels), labels, np.arange(4), 0.1)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    written = Results("", "all", 0.1, [judgement], []).to_json()
    record = json.loads(written, parse_constant=refuse)
    assert record["nets"][0]["rmse_px"]["value"] is None
