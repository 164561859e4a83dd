"""benchmarks/photographs.py on pasted faces of known places, with a net that knows the answers."""

import types

import numpy as np
import pytest

import data_pipeline
from benchmarks import pasted_faces, photographs
from pictures.cropping import Box
from tests import small_data


@pytest.fixture(scope="module")
def made():
    """A few faces, each in its own group, and the photographs of them."""
    images, _ = small_data.faces(7, seed=1)
    keypoints = np.random.default_rng(2).uniform(20, 76, (7, 15, 2)).astype(np.float32)
    data = data_pipeline.FaceData(images, keypoints, groups=np.arange(7))
    return data, list(pasted_faces.compose(data, seed=1))


def net_that_is_off_by(pixels, labels):
    """Answers with the labels, in the order in which `compose` has pasted the faces."""
    return types.SimpleNamespace(
        predict_all=lambda faces: labels[: len(faces)] + np.array([pixels, 0])
    )


def test_the_error_of_exact_crops_is_that_of_the_net(made):
    data, composed = made
    labels = data.keypoints[np.concatenate([rows for *_, rows in composed])]
    boxes = [[Box(*square[:2], square[2], square[2]) for square in each[1]] for each in composed]
    for off in (0, 3):
        net = net_that_is_off_by(off, labels)
        found, _, exact = photographs.measure(net, data.keypoints, composed, boxes)
        corners = labels[:, 3] - labels[:, 5]  # the outer ones
        expected = off / np.linalg.norm(corners, axis=1)
        np.testing.assert_allclose(exact, expected, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-9)


def test_a_missed_face_has_no_error(made):
    data, composed = made
    net = net_that_is_off_by(0, data.keypoints)
    found, again, exact = photographs.measure(net, data.keypoints, composed, [[] for _ in composed])
    assert np.isnan([found, again]).all()
    assert np.isfinite(exact).all()


def test_a_box_is_of_one_face_alone():
    near = Box(2, 2, 100, 100)
    first, second, far = pasted_faces.find_squares(
        [(0, 0, 100), (5, 5, 100), (500, 500, 100)], [near]
    )
    assert (first.box, second, far) == (near, None, None)
    np.testing.assert_allclose(first.difference, (0.02, 0.02, 1))


def test_details_of_the_landscapes_are_large_squares_without_empty_corners():
    found = list(pasted_faces.details(seed=3, count=12))
    assert [each.mode for each in found] == ["RGB", "RGB", "L", "L"] * 3
    side = pasted_faces.DETAIL
    assert {each.size for each in found} == {(side, side)}
    for detail in found:
        pixels = np.asarray(detail.convert("L"))
        corners = [pixels[:40, :40], pixels[:40, -40:], pixels[-40:, :40], pixels[-40:, -40:]]
        assert min(corner.max() for corner in corners) > 0  # black where turning left nothing
    again = list(pasted_faces.details(seed=3, count=2))
    np.testing.assert_array_equal(again[1], found[1])
