"""Full augmentation: geometry on image and keypoints together, then light, noise, occlusion."""

import tensorflow as tf

from data_pipeline.lighting import LightRanges, change_light
from data_pipeline.warps import WarpRanges, random_warps, warp_images, warp_keypoints
from keypoint_schema import Mirror


def augment(
    images,
    keypoints,
    seed,
    mirror: Mirror,
    warps: WarpRanges | None = None,
    light: LightRanges | None = None,
):
    """Augments a batch; the seed alone decides.

    Args:
        images: uint8 `(batch, 96, 96, 1)`.
        keypoints: float32 `(batch, K, 2)`, normalized (x, y); NaN where unlabelled.
        seed: `(2,)` ints.
        mirror: of the K keypoints.
        warps, light: how far to go; None for the defaults.

    Returns:
        Images float32 `(batch, 96, 96, 1)`, 0–255, and keypoints, same shape and units; NaN also
        for keypoints that left the picture.
    """
    geometry_seed, light_seed = tf.unstack(tf.random.split(seed, 2), num=2)
    warp = random_warps(tf.shape(images)[0], geometry_seed, warps or WarpRanges())
    lit = change_light(warp_images(images, warp), light_seed, light or LightRanges())
    return lit[..., None], warp_keypoints(keypoints, warp, mirror)
