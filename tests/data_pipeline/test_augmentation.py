import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

import keypoint_schema
from data_pipeline import synthetic_faces
from data_pipeline.augmentation import augment
from data_pipeline.lighting import LightRanges, change_light, noise
from data_pipeline.warps import Warp, WarpRanges, random_warps, warp_images, warp_keypoints
from keypoint_schema import Mirror

NOTHING = WarpRanges(**dict.fromkeys([f.name for f in dataclasses.fields(WarpRanges)], 0.0))
NO_LIGHT = LightRanges(0.0, 0.0, 0.0, 0.0, 0.0, 0.4)
ALONE = {
    "flip": 1.0,
    "rotation": 30.0,
    "scale": 0.25,
    "aspect": 0.2,
    "shear": 0.2,
    "shift": 9.0,
    "perspective": 0.15,
    "elastic": 1.5,
}
MIRROR = Mirror.of(keypoint_schema.NAMES)


def unswapped(count):
    """A mirror that leaves each keypoint its name."""
    return Mirror(np.arange(count), np.zeros((count, 2), np.float32))


def dots(count=6, seed=0):
    """A picture per keypoint with a soft dot at its place, and the places in px.

    The dots are small: where a warp is curved, the centroid of a broad one moves by itself.
    """
    rng = np.random.default_rng(seed)
    places = rng.uniform(24, 71, (count, 15, 2)).astype(np.float32)
    y, x = np.mgrid[:96, :96]
    dx, dy = x - places[..., None, None, 0], y - places[..., None, None, 1]
    pictures = 255 * np.exp(-(dx**2 + dy**2) / (2 * 1.0**2))  # (count, 15, 96, 96)
    return np.rint(pictures[..., None]).astype(np.uint8), places


def centroids(pictures):
    y, x = np.mgrid[:96, :96]
    weights = pictures / pictures.sum((-2, -1), keepdims=True)
    return np.stack([(weights * x).sum((-2, -1)), (weights * y).sum((-2, -1))], -1)


@pytest.mark.parametrize("transform", [*ALONE, "all"])
def test_a_drawn_dot_follows_its_keypoint(transform):
    alone = {} if transform == "all" else {transform: ALONE[transform]}
    ranges = dataclasses.replace(NOTHING if alone else WarpRanges(), **alone)
    pictures, places = dots()
    warp = random_warps(len(places), (4, 7), ranges)
    moved = keypoint_schema.to_pixels(
        warp_keypoints(keypoint_schema.to_normalized(places), warp, unswapped(15)).numpy()
    )
    assert np.abs(moved - places).max() > 0.5 or transform == "flip"
    for k in range(15):
        found = centroids(warp_images(pictures[:, k], warp).numpy())
        inside = ((moved[:, k] > 12) & (moved[:, k] < 83)).all(-1)
        assert inside.any()
        np.testing.assert_allclose(found[inside], moved[inside, k], atol=0.1)


def test_nothing_drawn_changes_nothing():
    pictures, places = dots(2)
    images = pictures[:, 0]
    keypoints = keypoint_schema.to_normalized(places)
    changed, moved = augment(images, keypoints, (1, 2), MIRROR, NOTHING, NO_LIGHT)
    # Gray 0 comes back as a thousandth of the range: gamma has no slope at 0.
    np.testing.assert_allclose(changed, images, atol=0.3)
    np.testing.assert_allclose(moved, keypoints, atol=1e-6)


def test_mirrored_faces_swap_left_and_right():
    pictures, places = dots(2)
    keypoints = keypoint_schema.to_normalized(places)
    only_flip = dataclasses.replace(NOTHING, flip=1.0)
    images, moved = augment(pictures[:, 0], keypoints, (1, 2), MIRROR, only_flip, NO_LIGHT)
    np.testing.assert_allclose(images, pictures[:, 0, :, ::-1], atol=0.3)
    np.testing.assert_allclose(moved[:, 0], keypoints[:, 1] * [-1, 1], atol=1e-6)


def test_rotation_by_hand():
    quarter = np.array([[[0, -1, 0], [1, 0, 0], [0, 0, 1]]], np.float32)
    warp = Warp(tf.constant(quarter), tf.zeros([1, 2, 4, 4]), tf.constant([False]))
    # The map leads from output (x, y) to source (−y, x), so the source's (0.5, 0) is at (0, −0.5).
    moved = warp_keypoints(tf.constant([[[0.5, 0.0]]]), warp, unswapped(1))
    np.testing.assert_allclose(moved, [[[0.0, -0.5]]], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "limit", "measure"),
    [
        ("rotation", 20.0, lambda h: np.degrees(np.arctan2(h[:, 1, 0], h[:, 0, 0]))),
        ("scale", 0.15, lambda h: np.log(h[:, 1, 1])),
        ("aspect", 0.06, lambda h: np.log(h[:, 0, 0] / h[:, 1, 1])),
        ("shear", 0.06, lambda h: h[:, 0, 1]),
        ("shift", 7.0, lambda h: 48 * h[:, 0, 2]),
        ("shift", 7.0, lambda h: 48 * h[:, 1, 2]),
        ("perspective", 0.08, lambda h: h[:, 2, 0]),
        ("perspective", 0.08, lambda h: h[:, 2, 1]),
    ],
)
def test_each_range_goes_as_far_as_it_says(name, limit, measure):
    assert getattr(WarpRanges(), name) == limit
    warp = random_warps(1000, (1, 2), dataclasses.replace(NOTHING, **{name: limit}))
    drawn = measure(warp.homography.numpy())
    assert drawn.min() == pytest.approx(-limit, rel=0.02)
    assert drawn.max() == pytest.approx(limit, rel=0.02)


def test_half_of_the_faces_are_mirrored_and_the_field_shifts_none():
    warp = random_warps(1000, (1, 2), WarpRanges())
    assert warp.flipped.numpy().mean() == pytest.approx(0.5, abs=0.06)
    assert not warp.field.numpy()[..., 0, 0].any()


def test_keypoint_that_leaves_the_picture_loses_its_label():
    aside = np.eye(3, dtype=np.float32)[None].copy()
    aside[0, 0, 2] = -10 / 48  # everything moves 10 px to the right
    warp = Warp(tf.constant(aside), tf.zeros([1, 2, 4, 4]), tf.constant([False]))
    keypoints = keypoint_schema.to_normalized(np.array([[[85.0, 5], [87, 5]]], np.float32))
    moved = warp_keypoints(keypoints, warp, unswapped(2)).numpy()
    np.testing.assert_allclose(keypoint_schema.to_pixels(moved[0, 0]), [95, 5], atol=1e-4)
    assert np.isnan(moved[0, 1]).all()


def test_missing_labels_stay_missing():
    keypoints = np.full((3, 15, 2), np.nan, np.float32)
    keypoints[:, 10] = 0.1
    _, moved = augment(np.zeros((3, 96, 96, 1), np.uint8), keypoints, (1, 2), MIRROR)
    assert np.isnan(moved.numpy()).all(-1).sum(1).tolist() == [14, 14, 14]


def test_eager_and_tf_data_agree_and_the_seed_decides():
    pictures, places = dots(4)
    batch = pictures[:, 0], keypoint_schema.to_normalized(places)
    eager = augment(*batch, (1, 2), MIRROR)
    dataset = tf.data.Dataset.from_tensors(batch).map(lambda x, y: augment(x, y, (1, 2), MIRROR))
    for lazy in dataset:
        np.testing.assert_allclose(lazy[0], eager[0], atol=1e-3)
        np.testing.assert_allclose(lazy[1], eager[1], atol=1e-6)
    assert not np.allclose(augment(*batch, (1, 3), MIRROR)[0], eager[0], atol=5)


def reference_augment(images, seed, light):
    """`augment`'s pictures in plain NumPy, float64, pixel by pixel as the definitions say."""
    geometry_seed, light_seed = tf.unstack(tf.random.split(seed, 2), num=2)
    warp = random_warps(len(images), geometry_seed, WarpRanges())
    warped = reference_warp(images[..., 0].astype(float), warp)
    seeds = iter(tf.unstack(tf.random.split(light_seed, 9), num=9))

    def uniform(low, high, *shape):
        shape = [len(images), *shape]
        return tf.random.stateless_uniform(shape, next(seeds), low, high).numpy().astype(float)

    x = np.clip(warped / 255, 0.001, 1) ** np.exp(uniform(-light.gamma, light.gamma, 1, 1))
    mean = x.mean((1, 2), keepdims=True)
    x = (x - mean) * np.exp(uniform(-light.contrast, light.contrast, 1, 1)) + mean
    x = 255 * x + uniform(-light.brightness, light.brightness, 1, 1)
    x += light.noise * uniform(0, 1, 1, 1) ** 2 * noise(len(images), next(seeds)).numpy()
    center = uniform(0, 96, 2)
    half = uniform(0.1, light.occlusion_size, 2) * 48
    covered = uniform(0, 1, 1) < light.occlusion
    gray = 255 * uniform(0, 1, 1, 1)
    y, x_axis = np.mgrid[:96, :96]
    inside = np.abs(x_axis - center[:, :1, None]) < half[:, :1, None]
    inside &= np.abs(y - center[:, 1:, None]) < half[:, 1:, None]
    return np.clip(np.where(inside & covered[..., None], gray, x), 0, 255)


def reference_warp(images, warp):
    y, x = keypoint_schema.to_normalized(np.mgrid[:96, :96].astype(float))
    x = np.where(warp.flipped.numpy()[:, None, None], -x, x)
    y = np.broadcast_to(y, x.shape)
    mapped = np.einsum("bij,jbyx->ibyx", warp.homography.numpy(), np.stack([x, y, np.ones_like(x)]))
    waves = np.arange(4)[:, None, None, None]
    x_waves, y_waves = (np.cos(np.pi / 2 * waves * (axis + 1)) for axis in (x, y))
    field = np.einsum("bcmn,mbyx,nbyx->cbyx", warp.field.numpy(), y_waves, x_waves)
    column, row = np.clip(keypoint_schema.to_pixels(mapped[:2] / mapped[2] + field), 0, 95)
    left, top = (np.minimum(np.floor(axis), 94).astype(int) for axis in (column, row))
    picture = np.arange(len(images))[:, None, None]
    upper, lower = (
        images[picture, line, left] * (1 - (column - left))
        + images[picture, line, left + 1] * (column - left)
        for line in (top, top + 1)
    )
    return upper * (1 - (row - top)) + lower * (row - top)


def test_pictures_are_those_of_the_plain_definitions():
    images, keypoints = synthetic_faces.draw_faces(32, seed=1)
    keypoints = keypoint_schema.to_normalized(keypoints)
    for seed in (1, 2), (3, 4):
        changed, _ = augment(images, keypoints, seed, MIRROR)
        expected = reference_augment(images, seed, LightRanges())
        np.testing.assert_allclose(changed[..., 0], expected, atol=0.0025)


def test_noise_is_nearly_normal():
    values = noise(40, (1, 2)).numpy()
    assert values.shape == (40, 96, 96)
    assert abs(values.mean()) < 0.01
    assert values.std() == pytest.approx(1, abs=0.01)
    assert (np.abs(values) < 1).mean() == pytest.approx(0.683, abs=0.03)  # steps of 0.11
    assert (np.abs(values) < 2).mean() == pytest.approx(0.954, abs=0.01)
    for neighbours in values[:, 1:] * values[:, :-1], values[..., 1:] * values[..., :-1]:
        assert abs(neighbours.mean()) < 0.01


def test_light_stays_in_range_and_covers_the_asked_share():
    images = tf.fill([400, 96, 96], 128.0)
    changed = change_light(images, (3, 4), LightRanges(occlusion=0.4)).numpy()
    assert changed.min() >= 0
    assert changed.max() <= 255
    plain = change_light(images, (3, 4), dataclasses.replace(LightRanges(), occlusion=0.0)).numpy()
    covered = (changed != plain).any((1, 2))
    share = 0.4
    assert abs(covered.mean() - share) < 4 * math.sqrt(share * (1 - share) / 400)


def test_occlusion_is_a_rectangle_of_one_gray():
    board = np.indices((96, 96)).sum(0) % 2 * 255.0  # black and white, so no gray is its own
    images = tf.constant(np.tile(board, (50, 1, 1)), tf.float32)
    plain = change_light(images, (3, 4), NO_LIGHT).numpy()
    ranges = dataclasses.replace(NO_LIGHT, occlusion=1.0)
    changed = change_light(images, (3, 4), ranges).numpy()
    for picture, before in zip(changed, plain, strict=True):
        rows, columns = np.nonzero(picture != before)
        assert len(rows)
        rectangle = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert len(rows) == picture[rectangle].size
        assert len(np.unique(picture[rectangle])) == 1
        # At most the asked share of the picture's side, and less where it is cut off.
        assert max(picture[rectangle].shape) <= 0.4 * 96 + 1


def test_a_label_at_the_very_edge_stays():
    # Kaggle's reach 95.8 px.
    places = np.array([[[95.8, 50.0], [-0.8, 50.0], [96.2, 50.0]]], np.float32)
    warp = random_warps(1, (1, 2), NOTHING)
    moved = warp_keypoints(keypoint_schema.to_normalized(places), warp, unswapped(3)).numpy()
    assert np.isfinite(moved[0]).all(-1).tolist() == [True, True, False]
