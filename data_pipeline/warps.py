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
_UNIT = keypoint_schema.PIXELS_PER_UNIT
_LINE = keypoint_schema.to_normalized(np.arange(_SIZE, dtype=np.float32))  # a row's pixels
_HALF_WAVES = 4  # the elastic field's cosines per axis: 0 to 3 half waves over the picture
_FUNCTIONS = _HALF_WAVES + 1  # of x or of y: these cosines and the position itself
# Where x, y and 1 stand among the products of a function of y (rows) and one of x (columns).
_LINEAR_TERMS = np.zeros((3, _FUNCTIONS, _FUNCTIONS), np.float32)
_LINEAR_TERMS[0, 0, -1] = _LINEAR_TERMS[1, -1, 0] = _LINEAR_TERMS[2, 0, 0] = 1.0
_LINEAR_TERMS = _LINEAR_TERMS.reshape(3, -1)
_CENTER_TERM = np.zeros((_FUNCTIONS, _FUNCTIONS), np.float32)
_CENTER_TERM[0, 0] = keypoint_schema.IMAGE_CENTER
_ITERATIONS = 8
# Normalized; half a pixel beyond the edge of the picture, where a few of Kaggle's labels lie.
_EDGE = (_SIZE / 2 + 0.5) / _UNIT


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
    shift = uniform(ranges.shift / _UNIT, 2)
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
    return (sizes * elastic / _UNIT).astype(np.float32)


def warp_images(images, warp: Warp):
    """Resamples pictures bilinearly, once; edges are repeated outwards.

    Args:
        images: uint8 `(batch, 96, 96, 1)`.

    Returns:
        float32 `(batch, 96, 96)`.
    """
    x, y = _source_pixels(warp)
    left, top = tf.floor(x), tf.floor(y)
    return _interpolate(images, left, top, x - left, y - top)


def _source_pixels(warp):
    """Where each output pixel comes from: x and y, each `(batch, 96, 96)`, px, in the picture."""
    line = tf.constant(_LINE)
    x = tf.where(warp.flipped[:, None], -line, line)  # (batch, 96)
    # The homography's numerators and denominator and the field's x and y are sums of products of a
    # function of x and one of y, with coefficients (batch, 5, functions of y, functions of x).
    scale = tf.constant([[_UNIT], [_UNIT], [1.0]])  # to pixels
    homography = tf.matmul(warp.homography * scale, _LINEAR_TERMS)
    homography = tf.reshape(homography, [-1, 3, _FUNCTIONS, _FUNCTIONS])
    field = tf.pad(warp.field * _UNIT, [[0, 0], [0, 0], [0, 1], [0, 1]])
    coefficients = tf.concat([homography, field + _CENTER_TERM], axis=1)
    of_rows = tf.matmul(coefficients, _functions(x)[:, None], transpose_b=True)
    of_rows = tf.transpose(of_rows, [1, 0, 2, 3])  # so that each of the five lies in one piece
    planes = tf.unstack(tf.matmul(_functions(line), of_rows))
    numerator_x, numerator_y, denominator, field_x, field_y = planes
    inverse = tf.math.reciprocal(denominator)
    return tuple(
        tf.clip_by_value(numerator * inverse + field, 0.0, _SIZE - 1.0)
        for numerator, field in ((numerator_x, field_x), (numerator_y, field_y))
    )


def _functions(position):
    """The half waves and the normalized position itself, `(..., 5)`."""
    return tf.concat([_cosines(position), position[..., None]], axis=-1)


def _interpolate(images, column, row, share_x, share_y):
    """Bilinear values between each pixel `(column, row)` and its neighbours, `(batch, 96, 96)`."""
    # One gather instead of four: a pixel and its right, lower and diagonal neighbours in the four
    # bytes of an integer. The last column and row are their own neighbours.
    gray = tf.cast(images[..., 0], tf.int32)
    pairs = gray + 2**8 * tf.concat([gray[:, :, 1:], gray[:, :, -1:]], axis=2)
    below = tf.concat([pairs[:, 1:], pairs[:, -1:]], axis=1)
    quads = pairs + 2**16 * (below - 2**15)  # the highest byte has a sign
    first = tf.range(tf.shape(images)[0])[:, None, None] * _SIZE**2
    index = tf.cast(row * _SIZE + column, tf.int32) + first
    quads = tf.gather(tf.reshape(quads, [-1]), index)
    top_left, top_right, bottom_left, bottom_right = (
        tf.cast(tf.bitwise.bitwise_and(quads, mask), tf.float32) / (mask & -mask)
        for mask in (0xFF, 0xFF << 8, 0xFF << 16, -1 << 24)
    )
    bottom_right += 2.0**7
    top = top_left + share_x * (top_right - top_left)
    bottom = bottom_left + share_x * (bottom_right - bottom_left)
    return top + share_y * (bottom - top)


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
