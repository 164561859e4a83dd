"""Mirrored faces: pure functions on tensors."""

import tensorflow as tf

from keypoint_schema import Mirror


def flip_horizontal(images, keypoints, mirror: Mirror):
    """Mirrors faces and relabels left and right.

    Args:
        images: `(batch, height, width, 1)`, any dtype.
        keypoints: float32 `(batch, K, 2)`, normalized (x, y); NaN where unlabelled.
        mirror: of the K keypoints.

    Returns:
        Images and keypoints, same shapes, dtypes and units.

    Raises:
        ValueError: if the mirror is of another number of keypoints.

    Source: D. Nouri's tutorial, `FlipBatchIterator`.
    """
    return tf.reverse(images, axis=[2]), mirror(tf.convert_to_tensor(keypoints))


def flip_half(images, keypoints, seed, mirror: Mirror):
    """Mirrors a random half (rounded down) of a batch, images and keypoints together.

    Args:
        images, keypoints, mirror: as for `flip_horizontal`.
        seed: `(2,)` ints; the same seed chooses the same half.

    Returns:
        Images and keypoints, same shapes, dtypes and units.

    Source: D. Nouri's tutorial, `FlipBatchIterator`, which flips half of every batch.
    """
    batch = tf.shape(images)[0]
    # Random ranks: exactly half of them lie below half the batch.
    ranks = tf.argsort(tf.random.stateless_uniform([batch], seed))
    chosen = (ranks < batch // 2)[:, tf.newaxis, tf.newaxis]
    flipped_images, flipped_keypoints = flip_horizontal(images, keypoints, mirror)
    return (
        tf.where(chosen[..., tf.newaxis], flipped_images, images),
        tf.where(chosen, flipped_keypoints, keypoints),
    )
