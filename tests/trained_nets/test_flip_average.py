"""The mean over a face and its mirror image, worked out by hand."""

import keras
import numpy as np
import pytest
from keras import ops

import keypoint_schema
from errors import UserError
from trained_nets.trained_net import SYMMETRIC, flip_averaged, from_model

EYES = ("left_eye_center", "right_eye_center", "nose_tip")
OFFSET_PX = {
    "left_eye_center": [1.0, 0.5],
    "right_eye_center": [1.0, -0.5],
    "nose_tip": [2.0, 0.0],
}


def predictor_of(function, names=EYES, config=None):
    """A predictor whose normalized answer is a function of the images."""
    images = keras.Input(keypoint_schema.IMAGE_SHAPE)
    model = keras.Model(images, function(ops.cast(images, "float32")))
    return from_model("net", model, names, config or {})


def spots(*places):
    """A picture of three bright pixels of different brightness at (x, y)."""
    image = np.zeros((1, *keypoint_schema.IMAGE_SHAPE), np.uint8)
    for (x, y), value in zip(places, (50, 100, 150), strict=True):
        image[0, y, x] = value
    return image


def find_sides(images):
    """The centroids of the right half, the left half, and all: exactly symmetric."""
    size = keypoint_schema.IMAGE_SIZE
    axis = keypoint_schema.to_normalized(np.arange(size, dtype=np.float32))
    halves = [axis > 0, axis < 0, axis < np.inf]
    points = []
    for half in halves:
        weights = images[..., 0] * half.astype(np.float32)
        total = ops.sum(weights, (1, 2))
        x = ops.sum(weights * axis, (1, 2)) / total
        y = ops.sum(weights * axis[:, None], (1, 2)) / total
        points.append(ops.stack([x, y], -1))
    return ops.stack(points, 1)


def test_a_symmetric_net_answers_the_same():
    net = predictor_of(find_sides)
    image = spots((70, 30), (20, 34), (50, 60))
    plain = net.predict(image)
    assert plain[0, 0, 0] > 47.5 > plain[0, 1, 0]
    np.testing.assert_allclose(flip_averaged(net).predict(image), plain, atol=1e-4)


def constant_predictor(points, config=None):
    normalized = keypoint_schema.to_normalized(np.array(points, np.float32))
    return predictor_of(
        lambda images: ops.zeros_like(images[:, :3, :2, 0]) + normalized, config=config
    )


def test_a_constant_answer_is_averaged_with_its_mirror():
    net = constant_predictor([[60, 40], [20, 50], [50, 70]])
    # Mirrored, 60 becomes 35 and is the other eye's; 20 becomes 75; 50 becomes 45.
    expected = [[[(60 + 75) / 2, 45], [(20 + 35) / 2, 45], [47.5, 70]]]
    found = flip_averaged(net).predict(spots((1, 1), (2, 2), (3, 3)))
    np.testing.assert_allclose(found, expected, atol=1e-4)


BY_LABELLER = {"a": OFFSET_PX, "b": {"nose_tip": [9.0, 0.0]}}


@pytest.mark.parametrize(
    "config",
    [
        {"results": {"mirror_offset_px": OFFSET_PX}},  # as runs used to record it
        {"results": {"mirror_offset_px": BY_LABELLER}, "labellers": ["a", "b"]},
    ],
)
def test_labels_that_lie_to_one_side_stay_there(config):
    net = constant_predictor([[60, 40], [20, 50], [50, 70]], config)
    # As without an offset, and each keypoint's own added.
    expected = [[[67.5 + 1, 45 + 0.5], [27.5 + 1, 45 - 0.5], [47.5 + 2, 70]]]
    found = flip_averaged(net).predict(spots((1, 1), (2, 2), (3, 3)))
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_symmetric_average_leaves_the_offset_out():
    config = {"results": {"mirror_offset_px": OFFSET_PX}}
    net = constant_predictor([[60, 40], [20, 50], [50, 70]], config)
    found = flip_averaged(net, SYMMETRIC).predict(spots((1, 1), (2, 2), (3, 3)))
    np.testing.assert_allclose(found, [[[67.5, 45], [27.5, 45], [47.5, 70]]], atol=1e-4)
    assert flip_averaged(net, False) is net


@pytest.mark.parametrize("config", [{}, {"results": None}, {"results": {"valid_rmse_px": 1.5}}])
def test_a_run_that_knows_no_offset_is_averaged_as_symmetric(config):
    net = constant_predictor([[60, 40], [20, 50], [50, 70]], config)
    found = flip_averaged(net).predict(spots((1, 1), (2, 2), (3, 3)))
    np.testing.assert_allclose(found, [[[67.5, 45], [27.5, 45], [47.5, 70]]], atol=1e-4)


def test_a_net_that_has_learned_the_offset_answers_the_same():
    offset = keypoint_schema.Mirror.of(EYES, OFFSET_PX).offset
    config = {"results": {"mirror_offset_px": OFFSET_PX}}
    net = predictor_of(lambda images: find_sides(images) + offset, config=config)
    image = spots((70, 30), (20, 34), (50, 60))
    plain = net.predict(image)
    np.testing.assert_allclose(flip_averaged(net).predict(image), plain, atol=1e-4)
    # Averaging twice changes nothing either.
    twice = flip_averaged(flip_averaged(net))
    np.testing.assert_allclose(twice.predict(image), plain, atol=1e-4)


def test_a_keypoint_without_its_mirror_is_refused():
    net = predictor_of(lambda images: images[:, :1, :2, 0], ["left_eye_center"])
    with pytest.raises(UserError, match="--flip-average is not possible for net"):
        flip_averaged(net)


def test_no_faces_give_no_keypoints():
    empty = np.empty((0, *keypoint_schema.IMAGE_SHAPE), np.uint8)
    assert flip_averaged(predictor_of(find_sides)).predict(empty).shape == (0, 3, 2)
