"""benchmarks/uncertainty.py: signals of heatmaps and of changed crops, and what the table says."""

import types

import keras
import numpy as np
import pytest

from benchmarks import uncertainty
from keypoint_schema import IMAGE_SHAPE, NAMES, NUM_KEYPOINTS, Mirror
from models.heatmap_layers import SoftArgmax


def brightest_net():
    """Finds the brightest pixel of a picture, as each of the keypoints."""

    def predict_all(images):
        flat = images.reshape(len(images), -1).argmax(1)
        points = np.stack([flat % 96, flat // 96], axis=1).astype(np.float32)
        return points[:, np.newaxis].repeat(NUM_KEYPOINTS, 1)

    return types.SimpleNamespace(predict_all=predict_all, mirror=lambda: Mirror.of(NAMES))


def spots():
    images = np.zeros((3, 96, 96, 1), np.uint8)
    for image, (x, y) in zip(images, [(50, 40), (30, 60), (45, 45)], strict=True):
        image[y - 1 : y + 2, x - 1 : x + 2], image[y, x] = 200, 255
    return images


def test_a_net_that_follows_the_face_scatters_by_no_more_than_rounding():
    assert uncertainty.of_changes(brightest_net(), spots()).max() < 1
    np.testing.assert_allclose(uncertainty.of_mirror(brightest_net(), spots()), 0, atol=1e-4)


def test_a_net_that_does_not_scatters():
    net = types.SimpleNamespace(predict_all=lambda images: np.full((len(images), 15, 2), 40.0))
    assert uncertainty.of_changes(net, spots()).min() > 1


def test_flat_heatmaps_have_maximal_entropy():
    images = keras.Input(IMAGE_SHAPE)
    pooled = keras.layers.AveragePooling2D(4)(images)
    logits = keras.layers.Conv2D(NUM_KEYPOINTS, 1, kernel_initializer="ones")(pooled)
    net = types.SimpleNamespace(model=keras.Model(images, SoftArgmax()(logits)))
    peaked = np.zeros((2, *IMAGE_SHAPE), np.uint8)
    peaked[1, 40:44, 40:44] = 200
    entropy = uncertainty.entropy(net, peaked)
    np.testing.assert_allclose(entropy[0], np.log(24**2), rtol=1e-4)
    np.testing.assert_allclose(entropy[1], 0, atol=1e-3)


def test_the_table_of_a_signal_that_knows_the_errors():
    errors = np.arange(20.0)[:, np.newaxis] * np.linspace(0.5, 1, NUM_KEYPOINTS)
    errors[3, 2:] = np.nan
    cells = uncertainty.row(np.nan_to_num(errors), errors).split(" | ")
    assert cells[:1] + cells[2:3] + cells[4:5] == ["1.00", "0%", "2 of 2"]
    assert float(cells[5]) == pytest.approx(18.5 * 0.75, abs=0.01)


def test_how_large_errors_are_where_a_net_is_uncertain():
    uncertainties = np.array([[0.5, 0.5, 7.0, 9.0]])
    errors = np.array([[3.0, 1.0, np.nan, 6.0]])
    assert list(uncertainty.errors_by_uncertainty(uncertainties, errors)) == [
        "0 to 1 | 2 | 2.24 | 0",
        "from 6 | 1 | 6.00 | 1",
    ]
