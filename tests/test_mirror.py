"""Mirroring of labels that are not mirror-symmetric, in NumPy, on tensors and in batches."""

import dataclasses
import itertools
import time

import numpy as np
import pytest
import tensorflow as tf

import keypoint_schema
from data_pipeline import (
    FaceData,
    augment,
    mirror_offset_table,
    training_batches,
)
from data_pipeline.flips import flip_half, flip_horizontal
from data_pipeline.lighting import LightRanges
from data_pipeline.warps import Warp, WarpRanges, warp_keypoints
from keypoint_schema import Mirror

NAMES = ("left_eye_center", "right_eye_center", "nose_tip")
OFFSET_PX = {
    "left_eye_center": [1.0, 0.5],
    "right_eye_center": [1.0, -0.5],
    "nose_tip": [2.0, 0.0],
}
MIRROR = Mirror.of(NAMES, OFFSET_PX)
FACE = np.array([[[60, 40], [20, 50], [50, 70]]], np.float32)  # px
# 95 − 20 and 2 · 1 px more; 50 and 2 · 0.5 px more; and so on.
MIRRORED_FACE = np.array([[[77, 51], [37, 39], [49, 70]]], np.float32)


def some_keypoints(count=200, seed=0):
    return np.random.default_rng(seed).uniform(-0.8, 0.8, (count, 3, 2)).astype(np.float32)


def reflected(keypoints):
    """Without any offset, with the columns written out."""
    x, y = keypoints[..., 0], keypoints[..., 1]
    return np.stack([-x[:, [1, 0, 2]], y[:, [1, 0, 2]]], -1)


def test_a_mirrored_face_by_hand():
    mirrored = MIRROR(keypoint_schema.to_normalized(FACE))
    np.testing.assert_allclose(keypoint_schema.to_pixels(mirrored), MIRRORED_FACE, atol=1e-4)


def test_offsets_of_other_keypoints_do_not_matter_and_missing_ones_are_zero():
    mirror = Mirror.of(["nose_tip", "mouth_center_top_lip"], OFFSET_PX)
    np.testing.assert_allclose(mirror.offset, [[2 / 48, 0], [0, 0]])
    assert not Mirror.of(NAMES).offset.any()
    np.testing.assert_allclose(Mirror.of(NAMES)(some_keypoints()), reflected(some_keypoints()))


def test_offset_survives_json_form():
    offset = np.array([[0.01234, -0.02], [0.01234, 0.02], [-0.3, 0]], np.float32)
    written = dataclasses.replace(MIRROR, offset=offset).offset_px(NAMES)
    assert written["nose_tip"] == [-14.4, 0.0]
    np.testing.assert_allclose(Mirror.of(NAMES, written).offset, offset, atol=0.0001 / 48)


def test_a_keypoint_without_its_mirror_is_refused():
    with pytest.raises(ValueError, match="'right_eye_center' is not"):
        Mirror.of(["left_eye_center", "nose_tip"], OFFSET_PX)


def test_another_number_of_keypoints_is_refused():
    with pytest.raises(ValueError, match=r"mirror of 3 keypoints .* shape \(200, 2, 2\)"):
        MIRROR(some_keypoints()[:, :2])


def test_tensors_mirror_as_arrays_do():
    keypoints = some_keypoints()
    keypoints[::4, 1] = np.nan
    tensors = MIRROR(tf.constant(keypoints))
    assert tf.is_tensor(tensors)
    np.testing.assert_array_equal(tensors, MIRROR(keypoints))
    one = MIRROR(tf.constant(keypoints[0]))
    np.testing.assert_array_equal(one, MIRROR(keypoints)[0])
    traced = tf.function(MIRROR)(tf.constant(keypoints))
    np.testing.assert_allclose(traced, MIRROR(keypoints), rtol=1e-6)


def test_offset_may_be_a_tensor():
    mirror = dataclasses.replace(MIRROR, offset=tf.constant(MIRROR.offset))
    for keypoints in (some_keypoints(), tf.constant(some_keypoints())):
        np.testing.assert_array_equal(mirror(keypoints), MIRROR(some_keypoints()))


def test_flip_moves_labels_by_the_offset():
    images = np.zeros((1, 4, 4, 1), np.uint8)
    keypoints = keypoint_schema.to_normalized(FACE)
    _, flipped = flip_horizontal(images, keypoints, MIRROR)
    np.testing.assert_allclose(keypoint_schema.to_pixels(flipped), MIRRORED_FACE, atol=1e-4)


def test_only_the_flipped_half_is_moved():
    images = np.zeros((6, 4, 4, 1), np.uint8)
    images[:, 0, 0] = 9
    keypoints = keypoint_schema.to_normalized(np.repeat(FACE, 6, 0))
    flipped, moved = flip_half(images, keypoints, (3, 4), MIRROR)
    is_flipped = flipped.numpy()[:, 0, 3, 0] == 9
    assert is_flipped.sum() == 3
    pixels = keypoint_schema.to_pixels(moved.numpy())
    np.testing.assert_allclose(pixels[is_flipped], np.repeat(MIRRORED_FACE, 3, 0), atol=1e-4)
    np.testing.assert_allclose(pixels[~is_flipped], np.repeat(FACE, 3, 0), atol=1e-4)


@pytest.mark.parametrize(("flip", "expected"), [(1.0, MIRRORED_FACE), (0.0, FACE)])
def test_full_augmentation_moves_mirrored_faces_by_the_offset(flip, expected):
    nothing = dict.fromkeys([field.name for field in dataclasses.fields(WarpRanges)], 0.0)
    _, moved = augment(
        np.zeros((1, 96, 96, 1), np.uint8),
        keypoint_schema.to_normalized(FACE),
        (1, 2),
        MIRROR,
        WarpRanges(**{**nothing, "flip": flip}),
        LightRanges(0.0, 0.0, 0.0, 0.0, 0.0, 0.4),
    )
    np.testing.assert_allclose(keypoint_schema.to_pixels(moved.numpy()), expected, atol=1e-3)


def test_a_label_that_the_offset_moves_out_of_the_picture_is_lost():
    warp = Warp(tf.eye(3, batch_shape=[1]), tf.zeros([1, 2, 4, 4]), tf.constant([True]))
    keypoints = keypoint_schema.to_normalized(FACE)
    keypoints[0, 2] = keypoint_schema.to_normalized(2.0)  # mirrored: 93, and 4 px more
    moved = warp_keypoints(keypoints, warp, MIRROR).numpy()
    assert np.isnan(moved[0, 2]).all()
    assert np.isfinite(moved[0, :2]).all()
    without = warp_keypoints(keypoints, warp, Mirror.of(NAMES)).numpy()
    np.testing.assert_allclose(keypoint_schema.to_pixels(without[0, 2]), [93, 2], atol=1e-3)


def faces(count=5):
    keypoints = np.full((count, 3, 2), keypoint_schema.IMAGE_CENTER, np.float32)
    images = np.zeros((count, 96, 96, 1), np.uint8)
    return FaceData(images, keypoints, np.arange(count), NAMES)


def moved_by(images, keypoints, seed, mirror):
    return images, keypoints + mirror.offset


def numbered_table(epochs):
    table = mirror_offset_table(epochs, len(NAMES))
    table.assign(np.arange(epochs)[:, None, None] * np.ones((epochs, 3, 2), np.float32))
    return table


@pytest.mark.parametrize(("first", "rows"), [(0, [0, 0, 1, 1, 2, 2, 2, 2]), (2, [2, 2, 2, 2])])
def test_batches_are_made_with_their_epochs_row(first, rows):
    batches = training_batches(faces(), 3, 1, moved_by, first, numbered_table(3))
    found = [np.unique(y).tolist() for _, y in itertools.islice(batches, len(rows))]
    assert found == [[row] for row in rows]  # after the last epoch its row stays


def test_flipped_batches_are_moved_by_the_offset():
    data = dataclasses.replace(faces(4), keypoints=np.repeat(FACE, 4, 0))
    table = mirror_offset_table(2, len(NAMES))
    table[1].assign(MIRROR.offset)
    batches = itertools.islice(training_batches(data, 4, 1, flip_half, mirror_offsets=table), 2)
    x = [np.round(keypoint_schema.to_pixels(y.numpy()[..., 0]), 3).tolist() for _, y in batches]
    assert sorted(x[0]) == [[60, 20, 50]] * 2 + [[75, 35, 45]] * 2
    assert sorted(x[1]) == [[60, 20, 50]] * 2 + [[77, 37, 49]] * 2


def test_without_a_table_labels_are_mirror_symmetric():
    data = dataclasses.replace(faces(4), keypoints=np.repeat(FACE, 4, 0))
    _, keypoints = next(iter(training_batches(data, 4, 1, flip_half)))
    x = np.round(keypoint_schema.to_pixels(keypoints.numpy()[..., 0]), 3).tolist()
    assert sorted(x) == [[60, 20, 50]] * 2 + [[75, 35, 45]] * 2


def test_labels_of_two_labellers_are_mirrored_apart():
    data = dataclasses.replace(
        faces(4),
        keypoints=np.repeat(FACE, 4, 0),
        labellers=("a", "b"),
        labelled_by=np.array([0, 1] * 2),
    )
    _, keypoints = next(iter(training_batches(data, 4, 1, flip_half)))
    x = np.round(keypoint_schema.to_pixels(keypoints.numpy()[..., 0]), 3)
    first = np.isfinite(x[:, :3]).all(1)
    assert first.sum() == 2
    assert np.isnan(x[first, 3:]).all()
    assert np.isnan(x[~first, :3]).all()
    faces_seen = np.concatenate([x[first, :3], x[~first, 3:]]).tolist()
    assert sorted(faces_seen) == [[60, 20, 50]] * 2 + [[75, 35, 45]] * 2


def test_only_augmentation_needs_both_sides():
    data = faces().select(["left_eye_center"])
    next(iter(training_batches(data, 4, 1)))
    with pytest.raises(ValueError, match="'right_eye_center' is not"):
        training_batches(data, 4, 1, flip_half)


@pytest.mark.parametrize("batch_size", [2, 3, 5])  # 3, 2 and 1 batches an epoch
def test_a_change_after_an_epoch_counts_from_the_one_after_the_next(batch_size):
    data, table = faces(), mirror_offset_table(4, len(NAMES))
    steps = -(-len(data) // batch_size)
    batches = iter(training_batches(data, batch_size, 1, moved_by, mirror_offsets=table))
    rows = [np.unique(next(batches)[1]).tolist() for _ in range(steps)]
    time.sleep(0.3)  # batches that are made ahead get their time
    table[2:].assign(np.ones((2, 3, 2), np.float32))
    rows += [np.unique(next(batches)[1]).tolist() for _ in range(3 * steps)]
    assert rows == [[0]] * 2 * steps + [[1]] * 2 * steps


def test_a_part_of_a_mirror_mirrors_its_keypoints():
    both = keypoint_schema.Mirror.of(NAMES, {"nose_tip": [2, 0]}).repeated(2)
    part = both.at(np.array([3, 4, 2]))
    points = np.array([[0.5, 0.1], [-0.25, 0.2], [0.0, 0.3]], np.float32)
    whole = np.zeros((6, 2), np.float32)
    whole[[3, 4, 2]] = points
    np.testing.assert_allclose(part(points), both(whole)[[3, 4, 2]])
