"""Mirrored faces: pure functions on tensors."""

import tensorflow as tf


def flip_horizontal(images, keypoints, permutation, offset=0.0):
    """Mirrors faces and relabels left and right.

    Args:
        images: `(batch, height, width, 1)`, any dtype.
        keypoints: float32 `(batch, K, 2)`, normalized (x, y); NaN where unlabelled.
        permutation: `(K,)` ints from `keypoint_schema.flip_permutation`.
        offset: `(K, 2)`, normalized, the labels' `keypoint_schema.Mirror.offset`.

    Returns:
        Images and keypoints, same shapes, dtypes and units.

    Raises:
        ValueError: if `permutation` does not have K entries.

    Source: D. Nouri's tutorial, `FlipBatchIterator`.
    """
    keypoints = tf.convert_to_tensor(keypoints)
    if keypoints.shape[1] != len(permutation):
        raise ValueError(
            f"The permutation must have an entry per keypoint. Received: {len(permutation)} "
            f"entries for keypoints of shape {keypoints.shape}."
        )
    return tf.reverse(images, axis=[2]), mirror_keypoints(keypoints, permutation, offset)


def mirror_keypoints(keypoints, permutation, offset=0.0):
    """`keypoint_schema.Mirror` on tensors; arguments as for `flip_horizontal`."""
    return tf.gather(keypoints, permutation, axis=1) * tf.constant([-1.0, 1.0]) + 2.0 * offset


def flip_half(images, keypoints, seed, permutation, offset=0.0):
    """Mirrors a random half (rounded down) of a batch, images and keypoints together.

    Args:
        images, keypoints, permutation, offset: as for `flip_horizontal`.
        seed: `(2,)` ints; the same seed chooses the same half.

    Returns:
        Images and keypoints, same shapes, dtypes and units.

    Source: D. Nouri's tutorial, `FlipBatchIterator`, which flips half of every batch.
    """
    batch = tf.shape(images)[0]
    # Random ranks: exactly half of them lie below half the batch.
    ranks = tf.argsort(tf.random.stateless_uniform([batch], seed))
    chosen = (ranks < batch // 2)[:, tf.newaxis, tf.newaxis]
    flipped_images, flipped_keypoints = flip_horizontal(images, keypoints, permutation, offset)
    return (
        tf.where(chosen[..., tf.newaxis], flipped_images, images),
        tf.where(chosen, flipped_keypoints, keypoints),
    )
