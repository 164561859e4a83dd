"""What holds for any faces: tables are read as they were written, and labels move with pixels."""

import hypothesis
import numpy as np
from hypothesis import strategies
from hypothesis.extra import numpy as arrays

import keypoint_schema
from data_pipeline.csv_table import parse_training
from data_pipeline.flips import flip_half, flip_horizontal
from keypoint_schema import Mirror
from tests import small_data

MIRROR = Mirror.of(keypoint_schema.NAMES)
SEEDS = strategies.integers(0, 2**31 - 1)
FEW = hypothesis.settings(max_examples=10)
PIXELS = strategies.floats(-96, 192, width=32)


def noise(seed, count):
    return np.random.default_rng(seed).integers(0, 256, (count, 96, 96, 1), np.uint8)


@FEW
@hypothesis.given(
    arrays.arrays(np.float32, (2, 15, 2), elements=PIXELS | strategies.just(np.nan)), SEEDS
)
def test_a_table_is_read_as_it_was_written(keypoints, seed):
    images = noise(seed, 2)
    read, labels = parse_training(small_data.training_csv(images, keypoints).encode(), "t.csv")
    np.testing.assert_array_equal(read, images)
    whole = np.where(np.isnan(keypoints).any(-1, keepdims=True), np.nan, keypoints)
    np.testing.assert_array_equal(labels, whole)


@FEW
@hypothesis.given(SEEDS)
def test_flipped_twice_is_the_identity(seed):
    images = noise(seed, 3)
    keypoints = np.random.default_rng(seed).uniform(-1, 1, (3, 15, 2)).astype(np.float32)
    keypoints[seed % 3, seed % 15] = np.nan
    twice = flip_horizontal(*flip_horizontal(images, keypoints, MIRROR), MIRROR)
    np.testing.assert_array_equal(twice[0], images)
    np.testing.assert_allclose(twice[1], keypoints)


@FEW
@hypothesis.given(SEEDS, strategies.integers(1, 9))
def test_half_of_a_batch_is_flipped_with_its_labels(seed, count):
    images = noise(seed, count)
    keypoints = np.random.default_rng(seed).uniform(-1, 1, (count, 15, 2)).astype(np.float32)
    changed, moved = (each.numpy() for each in flip_half(images, keypoints, (seed, 1), MIRROR))
    flipped = [not np.array_equal(*pair) for pair in zip(changed, images, strict=True)]
    assert sum(flipped) == count // 2
    expected = np.where(np.array(flipped)[:, None, None], MIRROR(keypoints), keypoints)
    np.testing.assert_allclose(moved, expected)
