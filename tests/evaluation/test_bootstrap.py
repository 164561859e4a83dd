"""Confidence intervals: their width, their coverage, and what counts as one observation."""

import dataclasses

import numpy as np
import pytest

from evaluation import bootstrap, metrics
from evaluation.judgement import NetPredictions, compare, judge


def mean_of(values):
    return metrics.mean_nme(np.asarray(values, float))


def test_interval_of_a_mean_is_as_wide_as_theory_says():
    values = np.random.default_rng(0).normal(5, 2, 400)
    estimate = bootstrap.estimate(mean_of(values), np.arange(400))
    assert estimate.value == pytest.approx(values.mean())
    half = 1.96 * values.std() / 20
    # Of 90 %, it would be narrower by 0.03 on either side.
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.015)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.015)


def test_the_interval_of_an_rmse_is_in_px():
    errors = np.random.default_rng(6).uniform(2, 4, (100, 15, 2))
    estimate = bootstrap.estimate(metrics.rmse_px(errors, np.zeros_like(errors)), np.arange(100))
    assert estimate.value == pytest.approx(np.sqrt(np.square(errors).mean()))
    assert (
        estimate.value - 0.1 < estimate.low < estimate.value < estimate.high < estimate.value + 0.1
    )


def test_equal_frames_of_one_person_count_once():
    values = np.repeat(np.random.default_rng(1).normal(5, 2, 40), 10)
    persons = np.repeat(np.arange(40), 10)
    alone = bootstrap.estimate(mean_of(values), np.arange(400))
    grouped = bootstrap.estimate(mean_of(values), persons)
    ratio = (grouped.high - grouped.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(np.sqrt(10), rel=0.15)


def test_the_same_errors_give_the_same_interval():
    values, groups = np.random.default_rng(3).normal(size=50), np.arange(50)
    first, second = (bootstrap.estimate(mean_of(values), groups) for _ in range(2))
    assert first == second


def test_metrics_have_the_same_interval_together_as_each_alone():
    values = np.random.default_rng(4).normal(5, 2, (5, 60))
    values[1, :7] = values[2, 5:9] = np.nan  # other faces count, more or fewer
    values[3] = np.nan
    values[4, 1:] = np.nan
    ratios = [mean_of(each) for each in values] + [metrics.failure_rate(values[0], 5)]
    groups = np.arange(60) // 2
    together = bootstrap.estimates(ratios, groups)
    alone = [bootstrap.estimate(ratio, groups) for ratio in ratios]
    np.testing.assert_array_equal(
        [dataclasses.astuple(each) for each in together],
        [dataclasses.astuple(each) for each in alone],
    )


def test_a_net_is_judged_with_draws_that_are_made_once(monkeypatch):
    made, generator = [], np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed: made.append(1) or generator(seed))
    labels = np.broadcast_to(np.arange(20.0, 35)[:, None], (9, 15, 2))
    judgement = judge(net("a", labels + 1, labels), labels, np.arange(9), 0.1)
    assert len(judgement.keypoints) == 15
    assert len(made) == 1


def test_one_group_has_no_interval():
    estimate = bootstrap.estimate(mean_of([1.0, 3.0]), np.array([7, 7]))
    assert estimate.value == 2
    assert np.isnan([estimate.low, estimate.high]).all()


def test_faces_that_do_not_count_do_not_widen_the_interval():
    values = np.random.default_rng(2).normal(5, 2, 50)
    padded = np.concatenate([values, np.full(500, np.nan)])
    alone = bootstrap.estimate(mean_of(values), np.arange(50))
    assert bootstrap.estimate(mean_of(padded), np.arange(550)) == alone


def net(name, predicted, labels):
    return NetPredictions(name, "", predicted, labels)


def test_pairing_shows_a_small_difference_between_unequal_faces():
    generator = np.random.default_rng(0)
    labels = np.zeros((200, 15, 2))
    hardness = generator.uniform(0.5, 8, (200, 1, 1))  # faces differ far more than the nets do
    first = net("first", np.broadcast_to(hardness, labels.shape), labels)
    second = net("second", np.broadcast_to(hardness * 0.97, labels.shape), labels)
    comparison = compare(first, second, np.arange(200))
    assert comparison.verdict() == "better: second"
    assert comparison.difference.high < 0
    alone = bootstrap.estimate(metrics.rmse_px(first.predicted, labels), np.arange(200))
    paired_width = comparison.difference.high - comparison.difference.low
    assert paired_width < 0.1 * (alone.high - alone.low)
    assert compare(second, first, np.arange(200)).verdict() == "better: second"


def test_no_difference_is_claimed_between_equal_nets():
    generator = np.random.default_rng(0)
    labels = np.zeros((100, 15, 2))
    nets = [net(name, generator.normal(0, 2, labels.shape), labels) for name in "ab"]
    for pair in (nets, nets[::-1]):
        assert compare(*pair, np.arange(100)).verdict() == "no difference shown"


def test_nets_are_compared_by_the_keypoints_that_both_predict():
    labels = np.zeros((10, 15, 2))
    eyes, whole = np.full_like(labels, np.nan), np.full_like(labels, 9)
    eyes[:, :2], whole[:, :2] = 1, 2
    comparison = compare(net("eyes", eyes, labels), net("whole", whole, labels), np.arange(10))
    assert comparison.difference.value == pytest.approx(1)


def test_nets_are_compared_by_labels_that_neither_trained_on():
    labels = np.zeros((10, 15, 2))
    first, second = labels.copy(), labels.copy()
    first[:4] = np.nan
    second[6:] = np.nan
    predicted = np.ones_like(labels)
    predicted[:4] = predicted[6:] = 50
    pair = net("a", predicted, first), net("b", np.full_like(labels, 2), second)
    comparison = compare(*pair, np.arange(10))
    assert comparison.faces == 2
    assert comparison.difference.value == pytest.approx(1)
    assert compare(net("a", predicted, labels * np.nan), pair[1], np.arange(10)) is None
