"""Random light, noise and occlusion for a batch of pictures; keypoints stay where they are."""

import dataclasses
import math

import tensorflow as tf

import keypoint_schema

_SIZE = keypoint_schema.IMAGE_SIZE
_DARKEST = 0.255  # gray levels; the logarithm of 0 is infinite


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
        images: float32 `(batch, 96, 96)`, 0–255.
        seed: `(2,)` ints.

    Returns:
        The same shape, type and range.
    """
    batch = tf.shape(images)[0]
    seeds = iter(tf.unstack(tf.random.split(seed, 9), num=9))

    def uniform(low, high, *shape):
        return tf.random.stateless_uniform([batch, *shape], next(seeds), low, high)

    gamma = tf.exp(uniform(-ranges.gamma, ranges.gamma, 1, 1))
    contrast = tf.exp(uniform(-ranges.contrast, ranges.contrast, 1, 1))
    brightness = uniform(-ranges.brightness, ranges.brightness, 1, 1)
    # Squared, so that most pictures get little noise.
    level = tf.square(uniform(0.0, 1.0, 1, 1)) * ranges.noise
    # Gamma has no slope at 0. exp(γ · log x) takes a quarter of the time of tf.pow.
    x = tf.exp(gamma * tf.math.log(tf.maximum(images, _DARKEST)))
    # One factor and one summand for each picture: x · white is 255 · (gray / 255)^γ.
    white = tf.exp((1 - gamma) * math.log(255.0))
    mean = white * tf.reduce_mean(x, axis=[1, 2], keepdims=True)
    x = x * (white * contrast) + (mean * (1 - contrast) + brightness)
    x += level * noise(batch, next(seeds))
    center = uniform(0.0, float(_SIZE), 2)
    half = uniform(0.1, ranges.occlusion_size, 2) * (_SIZE / 2)
    happens = uniform(0.0, 1.0, 1) < ranges.occlusion
    line = tf.range(_SIZE, dtype=tf.float32)
    columns = (tf.abs(line - center[:, :1]) < half[:, :1]) & happens
    rows = tf.abs(line - center[:, 1:]) < half[:, 1:]
    covered = rows[:, :, None] & columns[:, None, :]
    x = tf.where(covered, uniform(0.0, 255.0, 1, 1), x)
    return tf.clip_by_value(x, 0.0, 255.0)


def noise(batch, seed):
    """Draws nearly normal noise, `(batch, 96, 96)`, of mean 0 and standard deviation 1.

    Each value is a sum of four random numbers from 0 to 15, eight of which a 32-bit word holds.
    That takes a quarter of the time of `tf.random.stateless_normal`.
    """
    words = tf.random.stateless_uniform([batch, _SIZE, _SIZE // 2], seed, None, None, tf.int32)
    sums = _masked(words, 0x0F0F0F0F) + _masked(tf.bitwise.right_shift(words, 4), 0x0F0F0F0F)
    sums = _masked(sums, 0x00FF00FF) + _masked(tf.bitwise.right_shift(sums, 8), 0x00FF00FF)
    sums = tf.reshape(tf.bitcast(sums, tf.int16), [batch, _SIZE, _SIZE])
    mean, deviation = 4 * 7.5, math.sqrt(4 * (16**2 - 1) / 12)
    return (tf.cast(sums, tf.float32) - mean) / deviation


def _masked(words, mask):
    return tf.bitwise.bitwise_and(words, mask)
