"""The uncertainty of a heatmap, which is the probability of each place, blurred by a Gaussian."""

import keras
import numpy as np
import pytest

import keypoint_schema
from models import build, with_uncertainty
from models.heatmap_layers import SoftArgmaxWithUncertainty, cell_centres

CELLS = keypoint_schema.to_pixels(cell_centres(24, 24))


def gaussian(x, y):
    """The target of a label there: a deviation of 3 px along each axis."""
    density = np.exp(-np.square(CELLS - (x, y)).sum(1) / 18)
    return density / density.sum()


def answer(shares):
    """x, y, and the uncertainty, px."""
    logits = np.log(shares + 1e-30).astype(np.float32).reshape(1, 24, 24, 1)
    found = keras.ops.convert_to_numpy(SoftArgmaxWithUncertainty()(logits))[0, 0]
    return [*keypoint_schema.to_pixels(found[:2]), found[2] * keypoint_schema.PIXELS_PER_UNIT]


def test_a_net_that_knows_the_place_is_certain():
    assert answer(gaussian(40, 52)) == pytest.approx([40, 52, 0], abs=0.1)


def test_one_of_two_places_is_half_of_their_distance_away():
    either = (gaussian(40, 52) + gaussian(46, 60)) / 2
    assert answer(either) == pytest.approx([43, 56, 5], abs=0.05)


def test_a_heatmap_narrower_than_its_target_is_certain():
    peak = np.eye(24 * 24)[300]
    assert answer(peak)[2] == 0


def test_a_net_answers_as_before_and_tells_more(tmp_path):
    net = build("heatmap_s", num_keypoints=3)
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 1)).astype(np.uint8)
    told = with_uncertainty(net).predict_on_batch(images)
    np.testing.assert_array_equal(told[..., :2], net.predict_on_batch(images))
    assert (told[..., 2] > 20 / keypoint_schema.PIXELS_PER_UNIT).all()  # untrained: anywhere
    with_uncertainty(net).save(tmp_path / "uncertain.keras")
    restored = keras.models.load_model(tmp_path / "uncertain.keras")
    np.testing.assert_array_equal(restored.predict_on_batch(images), told)


def test_a_net_without_heatmaps_cannot():
    with pytest.raises(ValueError, match="net4 has no heatmaps"):
        with_uncertainty(build("net4"))
