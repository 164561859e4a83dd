import numpy as np
import tensorflow as tf

import keypoint_schema
from data_pipeline.flips import flip_half, flip_horizontal
from keypoint_schema import Mirror

NAMES = ("left_eye_center", "right_eye_center", "nose_tip")
MIRROR = Mirror.of(NAMES)


def face():
    images = np.arange(6, dtype=np.uint8).reshape(1, 2, 3, 1)
    keypoints = np.array([[[0.4, -0.3], [-0.5, -0.2], [0.1, np.nan]]], np.float32)
    return images, keypoints


def test_flip_of_a_face_worked_by_hand():
    images, keypoints = flip_horizontal(*face(), MIRROR)
    assert images.numpy()[0, :, :, 0].tolist() == [[2, 1, 0], [5, 4, 3]]
    # The left eye is where the right eye's mirror image is, and so on; NaN stays with the nose.
    expected = np.array([[[0.5, -0.2], [-0.4, -0.3], [-0.1, np.nan]]], np.float32)
    np.testing.assert_array_equal(keypoints, expected)


def test_missing_label_moves_to_the_other_side():
    images, keypoints = face()
    keypoints[0, 0] = np.nan
    _, flipped = flip_horizontal(images, keypoints, MIRROR)
    assert np.isnan(flipped[0, 1]).all()
    assert not np.isnan(flipped[0, 0]).any()


def test_bright_pixel_follows_its_keypoint():
    images = np.zeros((1, 96, 96, 1), np.uint8)
    images[0, 31, 20] = 255
    pixels = np.full((1, 3, 2), 40, np.float32)
    pixels[0, 2] = (20, 31)
    flipped, keypoints = flip_horizontal(images, keypoint_schema.to_normalized(pixels), MIRROR)
    x, y = keypoint_schema.to_pixels(keypoints.numpy())[0, 2]
    assert (x, y) == (75, 31)
    assert flipped.numpy()[0, int(y), int(x)] == 255


def test_eager_and_tf_data_agree_and_the_seed_decides():
    images = np.random.default_rng(0).integers(0, 255, (10, 8, 8, 1)).astype(np.uint8)
    keypoints = np.random.default_rng(1).normal(size=(10, 3, 2)).astype(np.float32)
    eager = flip_half(images, keypoints, (1, 2), MIRROR)
    dataset = tf.data.Dataset.from_tensors((images, keypoints)).map(
        lambda x, y: flip_half(x, y, (1, 2), MIRROR)
    )
    for lazy in dataset:
        np.testing.assert_array_equal(lazy[0], eager[0])
        np.testing.assert_array_equal(lazy[1], eager[1])
    other = flip_half(images, keypoints, (1, 3), MIRROR)
    assert not np.array_equal(other[0], eager[0])
