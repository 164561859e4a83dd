"""Random light, noise and occlusion for a batch of pictures; keypoints stay where they are."""

import dataclasses

import tensorflow as tf

import keypoint_schema

_SIZE = keypoint_schema.IMAGE_SIZE


@dataclasses.dataclass(frozen=True)
class LightRanges:
    """How far each change may go."""

    gamma: float = 0.35  # ± of the logarithm
    contrast: float = 0.35  # ± of the logarithm
    brightness: float = 25.0  # ± gray levels
    noise: float = 8.0  # gray levels, largest standard deviation
    occlusion: float = 0.4  # probability that a rectangle is covered
    occlusion_size: float = 0.4  # largest side, as a share of the picture's


def change_light(images, seed, ranges: LightRanges):
    """Changes gamma, contrast and brightness, adds noise, and covers a rectangle with gray.

    A covered keypoint keeps its label: the net is to infer it from the rest of the face.

    Args:
        images: float32 `(batch, 96, 96, 1)`, 0–255.
        seed: `(2,)` ints.

    Returns:
        The same shape, type and range.
    """
    batch = tf.shape(images)[0]
    seeds = iter(tf.unstack(tf.random.split(seed, 9), num=9))

    def uniform(low, high, *shape):
        return tf.random.stateless_uniform([batch, *shape], next(seeds), low, high)

    x = tf.clip_by_value(images / 255.0, 1e-3, 1.0)
    x = tf.pow(x, tf.exp(uniform(-ranges.gamma, ranges.gamma, 1, 1, 1)))
    mean = tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    x = (x - mean) * tf.exp(uniform(-ranges.contrast, ranges.contrast, 1, 1, 1)) + mean
    x += uniform(-ranges.brightness / 255, ranges.brightness / 255, 1, 1, 1)
    # Squared, so that most pictures get little noise.
    level = tf.square(uniform(0.0, 1.0, 1, 1, 1)) * (ranges.noise / 255)
    x += level * tf.random.stateless_normal(tf.shape(x), next(seeds))
    center = uniform(0.0, float(_SIZE), 2)
    half = uniform(0.1, ranges.occlusion_size, 2) * (_SIZE / 2)
    happens = uniform(0.0, 1.0, 1) < ranges.occlusion
    line = tf.range(_SIZE, dtype=tf.float32)
    columns = (tf.abs(line - center[:, :1]) < half[:, :1]) & happens
    rows = tf.abs(line - center[:, 1:]) < half[:, 1:]
    covered = (rows[:, :, None] & columns[:, None, :])[..., None]
    x = tf.where(covered, uniform(0.0, 1.0, 1, 1, 1), x)
    return tf.clip_by_value(x, 0.0, 1.0) * 255.0
