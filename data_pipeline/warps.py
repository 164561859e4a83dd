"""Random geometry for a batch of faces: one map, one interpolation, keypoints along.

The map leads from output to source positions, m(q) = H q + e(q): a homography H (mirror, rotation,
scale, aspect, shear, shift, perspective) plus a smooth elastic field e. Keypoints travel the other
way, q = m⁻¹(k), found by fixed-point iteration; the field's slope is small, so that eight rounds
leave far less than 0.01 px. All positions are normalized.
"""

import dataclasses
import math

import numpy as np
import tensorflow as tf

import keypoint_schema

_SIZE = keypoint_schema.IMAGE_SIZE
_HALF_WAVES = 4  # the elastic field's cosines per axis: 0 to 3 half waves over the picture
_ITERATIONS = 8
# Normalized; half a pixel beyond the edge of the picture, where a few of Kaggle's labels lie.
_EDGE = (_SIZE / 2 + 0.5) / keypoint_schema.PIXELS_PER_UNIT


@dataclasses.dataclass(frozen=True)
class WarpRanges:
    """How far each part of the geometry may go; each is uniform within ± its range."""

    flip: float = 0.5  # probability
    rotation: float = 20.0  # degrees
    scale: float = 0.15  # of the logarithm
    aspect: float = 0.06  # of the logarithm of width / height
    shear: float = 0.06  # px sideways a px of height
    shift: float = 7.0  # px
    perspective: float = 0.08  # change of depth from the centre to an edge
    elastic: float = 1.0  # px, about the standard deviation of the largest field


@dataclasses.dataclass(frozen=True)
class Warp:
    """One map a picture.

    Attributes:
        homography: `(batch, 3, 3)`, H without the mirror.
        field: `(batch, 2, 4, 4)`, the amplitudes of e's cosines for x and y.
        flipped: bool `(batch,)`, whether the output is mirrored before all else.
    """

    homography: tf.Tensor
    field: tf.Tensor
    flipped: tf.Tensor


def random_warps(batch, seed, ranges: WarpRanges) -> Warp:
    """As many maps as `batch` says; `seed` `(2,)` ints decides."""
    seeds = iter(tf.unstack(tf.random.split(seed, 9), num=9))

    def uniform(limit, *shape):
        return tf.random.stateless_uniform([batch, *shape], next(seeds), -limit, limit)

    angle = uniform(math.radians(ranges.rotation))
    log_scale = uniform(ranges.scale)
    log_aspect = uniform(ranges.aspect) / 2
    shear = uniform(ranges.shear)
    shift = uniform(ranges.shift / keypoint_schema.PIXELS_PER_UNIT, 2)
    depth = uniform(ranges.perspective, 2)
    flipped = tf.random.stateless_uniform([batch], next(seeds)) < ranges.flip
    x_scale, y_scale = tf.exp(log_scale + log_aspect), tf.exp(log_scale - log_aspect)
    cos, sin = tf.cos(angle), tf.sin(angle)
    rows = [
        [x_scale * cos, x_scale * shear * cos - y_scale * sin, shift[:, 0]],
        [x_scale * sin, x_scale * shear * sin + y_scale * cos, shift[:, 1]],
        [depth[:, 0], depth[:, 1], tf.ones([batch])],
    ]
    homography = tf.stack([tf.stack(row, axis=-1) for row in rows], axis=1)
    strength = tf.random.stateless_uniform([batch, 1, 1, 1], next(seeds), 0.0, 1.7)
    waves = tf.random.stateless_normal([batch, 2, _HALF_WAVES, _HALF_WAVES], next(seeds))
    return Warp(homography, waves * strength * _wave_sizes(ranges.elastic), flipped)


def _wave_sizes(elastic):
    """`(4, 4)`, normalized; falling with frequency, so that the slope stays small."""
    k = np.arange(_HALF_WAVES)
    sizes = 1.0 / (1.0 + k[:, None] ** 2 + k[None, :] ** 2)
    sizes[0, 0] = 0.0  # that would be a shift
    sizes *= 2 / np.linalg.norm(sizes)
    return (sizes * elastic / keypoint_schema.PIXELS_PER_UNIT).astype(np.float32)


def warp_images(images, warp: Warp):
    """Resamples pictures bilinearly, once; edges are repeated outwards.

    Args:
        images: `(batch, 96, 96, 1)`, any number type.

    Returns:
        float32 `(batch, 96, 96, 1)`.
    """
    batch = tf.shape(images)[0]
    line = keypoint_schema.to_normalized(tf.range(_SIZE, dtype=tf.float32))
    x = tf.where(warp.flipped[:, None], -line, line)  # (batch, 96)
    y = tf.repeat(line[None], batch, axis=0)
    grid = tf.stack(
        [
            tf.repeat(x[:, None], _SIZE, axis=1),
            tf.repeat(y[:, :, None], _SIZE, axis=2),
        ],
        axis=-1,
    )
    # The field is separable, so whole rows and columns are evaluated at once.
    field = tf.einsum("bym,bcmn,bxn->byxc", _cosines(y), warp.field, _cosines(x))
    points = tf.reshape(grid, [batch, _SIZE * _SIZE, 2])
    source = _project(warp.homography, points) + tf.reshape(field, [batch, _SIZE * _SIZE, 2])
    return _sample(tf.cast(images, tf.float32), keypoint_schema.to_pixels(source))


def warp_keypoints(keypoints, warp: Warp, mirror: keypoint_schema.Mirror):
    """Moves keypoints with their picture; left and right are swapped in mirrored ones.

    Args:
        keypoints: float32 `(batch, K, 2)`, normalized; NaN where unlabelled.
        mirror: of the K keypoints.

    Returns:
        The same shape and units. A keypoint that leaves the picture loses its label (NaN): the net
        cannot see it, and is not to guess.
    """
    inverse = tf.linalg.inv(warp.homography)
    moved = _project(inverse, keypoints)
    for _ in range(_ITERATIONS):
        x, y = _cosines(moved[..., 0]), _cosines(moved[..., 1])
        field = tf.einsum("bkm,bcmn,bkn->bkc", y, warp.field, x)
        moved = _project(inverse, keypoints - field)
    moved = tf.where(warp.flipped[:, None, None], mirror(moved), moved)
    inside = tf.reduce_all(tf.abs(moved) <= _EDGE, axis=-1, keepdims=True)
    return tf.where(inside, moved, np.float32(np.nan))


def _cosines(position):
    """The half waves at a normalized position, `(..., 4)`."""
    return tf.cos(math.pi / 2 * (position[..., None] + 1) * tf.range(_HALF_WAVES, dtype=tf.float32))


def _project(homography, points):
    """`(batch, N, 2)` through `(batch, 3, 3)`."""
    mapped = tf.matmul(points, homography[:, :, :2], transpose_b=True)
    mapped += homography[:, None, :, 2]
    return mapped[..., :2] / mapped[..., 2:]


def _sample(images, positions):
    """Bilinear values at positions `(batch, 96 · 96, 2)` in px."""
    batch = tf.shape(images)[0]
    positions = tf.clip_by_value(positions, 0.0, _SIZE - 1.0)
    corner = tf.minimum(tf.floor(positions), _SIZE - 2.0)
    share_x, share_y = tf.unstack(positions - corner, axis=-1)
    column, row = tf.unstack(tf.cast(corner, tf.int32), axis=-1)
    index = (tf.range(batch)[:, None] * _SIZE + row) * _SIZE + column
    flat = tf.reshape(images, [-1])
    top_left, top_right = tf.gather(flat, index), tf.gather(flat, index + 1)
    bottom_left, bottom_right = tf.gather(flat, index + _SIZE), tf.gather(flat, index + _SIZE + 1)
    top = top_left + share_x * (top_right - top_left)
    bottom = bottom_left + share_x * (bottom_right - bottom_left)
    return tf.reshape(top + share_y * (bottom - top), [batch, _SIZE, _SIZE, 1])
