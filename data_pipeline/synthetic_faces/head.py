"""The solid head of a drawn face: its surface, its pose, its keypoints and what each pixel sees.

The head is a tapered super-ellipsoid with Gaussian bumps in front (nose, sockets, lips, chin):
gap(x, y, z) = depth · (√((x / w(y))² + (y / b)⁴ + (z / depth)²) − 1) − bumps(x, y), 0 on the
surface. Pixels are traced to it at half the resolution, and the maps enlarged.
"""

import types

import numpy as np

import keypoint_schema

GRID = keypoint_schema.IMAGE_SIZE // 2  # rays per row and per column
_PIXELS_PER_UNIT = 40.0  # average scale of the crops
_MIDDLE = (47.7, 49.6)  # px, average position of the middle of the keypoints
_MARGIN = 2.0  # px between keypoints and the picture's border


def _bumps(styles):
    """(height, x, y, width, length) of each bump; x > 0 stands for both sides, big ones first."""
    relief, nose, tip = styles.relief, styles.nose_height, styles.nose_y
    wide, mouth = styles.nose_width, styles.mouth_y
    bottom = mouth + styles.opening * 0.6 + styles.lower_lip * 0.6
    big = [
        (0.32 * nose * styles.bridge, 0, tip - 0.5, 0.15 * wide, 0.22),
        (0.5 * nose, 0, tip - 0.22, 0.17 * wide, 0.2),
        (0.65 * nose, 0, tip + 0.01, 0.14 * wide, 0.12),
        (0.35 * nose, 0.17 * wide, tip + 0.05, 0.075 * wide, 0.085),
        (-0.13 * relief, styles.eye_x - 0.04, 0.0, 0.22, 0.14),
        (0.12 * relief, 0, mouth, 0.32, 0.2),
        (0.12 * relief, 0, bottom + 0.33, 0.2, 0.13),
    ]
    small = [
        (0.05 * relief, 0.35, -0.27, 0.3, 0.1),
        (0.07 * relief, 0.5, 0.42, 0.2, 0.22),
        (0.4 * styles.upper_lip, 0, mouth - 0.05, 0.2, 0.05),
        (0.4 * styles.lower_lip, 0, bottom - 0.03, 0.18, 0.055),
        (-0.05 * relief, 0, bottom + 0.13, 0.2, 0.06),
        (-0.012, 0, mouth - 0.2, 0.035, 0.07),
    ]
    return big, big + small


def _raise(bumps, x, y, slopes=False):
    """Summed height of the bumps at (x, y), and its derivatives if asked."""
    height = np.zeros_like(x)
    slope_x, slope_y = (np.zeros_like(x), np.zeros_like(x)) if slopes else (None, None)
    across, sign = np.abs(x), np.sign(x)
    for peak, center_x, center_y, width, length in bumps:
        u = (across - np.float32(center_x)) / np.float32(width)
        v = (y - center_y) / np.float32(length)
        bump = np.exp(-(u * u) - v * v)
        bump *= peak
        height += bump
        if slopes:
            slope_x -= bump * u * (sign * np.float32(2) / np.float32(width))
            slope_y -= bump * v * (np.float32(2) / np.float32(length))
    return height, slope_x, slope_y


def _girth(styles, y):
    """Half the head's width at each height, relative to depth 0, and its derivative."""
    down = np.clip((y + 0.1) / 1.6, 0, 1.1)
    girth = styles.width * (1 - styles.taper * down * down)
    slope = styles.width * styles.taper * (-2 / 1.6) * down
    return girth, slope


def _half_height(styles):
    return 1.58 * styles.lower_face + 0.35 * styles.opening


def _gap(styles, bumps, x, y, z, slopes=False):
    girth, girth_slope = _girth(styles, y)
    u, w = x / girth, z / styles.depth
    half = _half_height(styles)
    v2 = (y / half) ** 2
    norm = np.sqrt(u * u + v2 * v2 + w * w)
    height, slope_x, slope_y = _raise(bumps, x, y, slopes)
    gap = (norm - 1) * styles.depth - height
    if not slopes:
        return gap
    per = styles.depth / np.maximum(norm, 1e-3)
    gradient = (
        per * u / girth - slope_x,
        per * (2 * v2 * y / (half * half) - u * u * girth_slope / girth) - slope_y,
        w * per / styles.depth,
    )
    return gap, gradient


def surface_depth(styles, x, y):
    """The z of the surface above (x, y); float32 arrays `(count, ...)` in head units."""
    _, bumps = _bumps(styles)
    girth, _ = _girth(styles, y)
    norm = 1 + _raise(bumps, x, y)[0] / styles.depth
    flat = (x / girth) ** 2 + (y / _half_height(styles)) ** 4
    return styles.depth * np.sqrt(np.maximum(norm * norm - flat, 0.01))


def rotation(styles):
    """Head to camera: `(count, 3, 3)`; yaw first, then pitch, then roll."""
    yaw, pitch, roll = (np.radians(a[:, 0, 0]) for a in (styles.yaw, styles.pitch, styles.roll))
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(*rows):
        return np.stack([np.stack(row, -1) for row in rows], -2)

    turn = matrix(
        (np.cos(yaw), zero, np.sin(yaw)), (zero, one, zero), (-np.sin(yaw), zero, np.cos(yaw))
    )
    nod = matrix(
        (one, zero, zero),
        (zero, np.cos(pitch), np.sin(pitch)),
        (zero, -np.sin(pitch), np.cos(pitch)),
    )
    lean = matrix(
        (np.cos(roll), -np.sin(roll), zero), (np.sin(roll), np.cos(roll), zero), (zero, zero, one)
    )
    return np.einsum("bij,bjk,bkl->bil", lean, nod, turn)


def landmarks(styles):
    """The 15 keypoints in the head's x and y, each `(count, 15, 1)`, in the schema's order."""
    place = {}
    for side, sign in (("left", 1), ("right", -1)):
        lift = eye_lift(styles, side == "left")
        for name, along in (("inner_corner", -1), ("outer_corner", 1)):
            reach = along * styles.eye_half
            place[f"{side}_eye_{name}"] = (
                sign * (styles.eye_x + reach),
                lift + styles.eye_tilt * reach,
            )
        upper, lower = lid_heights(styles, side == "left")
        place[f"{side}_eye_center"] = (sign * styles.eye_x, lift + (lower - upper) / 2)
        inner = styles.brow_inner_y - (side == "left") * styles.brow_left_lift
        outer = inner + styles.brow_slope
        place[f"{side}_eyebrow_inner_end"] = (sign * styles.brow_inner_x, inner)
        place[f"{side}_eyebrow_outer_end"] = (sign * styles.brow_outer_x, outer)
        place[f"mouth_{side}_corner"] = (
            styles.mouth_x + sign * styles.mouth_half,
            styles.mouth_y + sign * styles.mouth_tilt * styles.mouth_half,
        )
    place["nose_tip"] = (0 * styles.nose_y, styles.nose_y)
    seam = styles.mouth_y + styles.smile
    top = seam - 0.3 * styles.opening - styles.upper_lip * (1 - styles.cupid)
    bottom = seam + 0.7 * styles.opening + styles.lower_lip
    place["mouth_center_top_lip"] = (styles.mouth_x, top)
    place["mouth_center_bottom_lip"] = (styles.mouth_x, bottom)
    x = np.concatenate([place[name][0] for name in keypoint_schema.NAMES], 1)
    y = np.concatenate([place[name][1] for name in keypoint_schema.NAMES], 1)
    return x, y


def eye_lift(styles, is_left):
    """Height of an eye's corners' middle; `is_left` may be a map of 0 and 1."""
    return -is_left * styles.eye_left_lift


def lid_heights(styles, is_left):
    """Greatest heights of the upper and the lower lid over the line between the corners."""
    opened = styles.eye_open * (1 + is_left * (styles.eye_left_open - 1))
    return opened, opened * styles.lower_lid


def place_heads(styles):
    """Poses the heads and frames the crops.

    Returns:
        A namespace: `keypoints` float32 `(count, 15, 2)` px, `turn` `(count, 3, 3)`, and the
        crop, px = `scale` · (projection) + `origin`, `(count, 1, 1)` and `(count, 1, 2)`.
    """
    turn = rotation(styles)
    x, y = landmarks(styles)
    solid = np.concatenate([x, y, surface_depth(styles, x, y)], -1)
    seen = np.einsum("bij,bkj->bki", turn, solid)
    flat = seen[..., :2] / (1 - seen[..., 2:] / styles.distance)
    low, high = flat.min(1, keepdims=True), flat.max(1, keepdims=True)
    room = keypoint_schema.IMAGE_SIZE - 1 - 2 * _MARGIN
    nearness = 1 - 0.9 / styles.distance  # perspective enlarges what is in front of the centre
    scale = _PIXELS_PER_UNIT * styles.zoom * nearness
    scale = np.minimum(scale, room / (high - low).max(2, keepdims=True))
    middle = 0.5 * (low + high) * 0.5 + 0.5 * flat.mean(1, keepdims=True)
    shift = np.concatenate([styles.shift_x, styles.shift_y], -1)
    origin = np.float32(_MIDDLE) + shift - scale * middle
    origin = np.clip(origin, _MARGIN - scale * low, _MARGIN + room - scale * high)
    keypoints = scale * flat + origin
    return types.SimpleNamespace(
        keypoints=keypoints.astype(np.float32),
        turn=turn.astype(np.float32),
        scale=scale.astype(np.float32),
        origin=origin.astype(np.float32),
    )


def trace(styles, placed):
    """Finds the point of the head behind each pixel of the half-size grid.

    Returns:
        A namespace of float32 `(count, GRID, GRID)`: head coordinates `x`, `y`; `gap`, distance
        by which a ray misses the head (≤ 0.01 where it hits); the surface's unit `normal` as three
        maps in the head's frame; flat camera coordinates `plane_x`, `plane_y`.
    """
    pixels = np.arange(GRID, dtype=np.float32) * 2 + 0.5
    plane_x = (pixels[None, None, :] - placed.origin[:, :, :1]) / placed.scale
    plane_y = (pixels[None, :, None] - placed.origin[:, :, 1:]) / placed.scale
    plane_x, plane_y = np.broadcast_arrays(plane_x, plane_y)
    back = placed.turn.transpose(0, 2, 1)[..., None, None]
    near = 1 / styles.distance
    start = [back[:, i, 0] * plane_x + back[:, i, 1] * plane_y for i in range(3)]
    step = [back[:, i, 2] - near * start[i] for i in range(3)]

    big, everything = _bumps(styles)
    depth = np.full_like(plane_x, 1.0) * (styles.depth + 0.45)
    best, best_depth = np.full_like(plane_x, 9.0), depth
    for _ in range(11):  # short steps from outside never pass through the nose
        at = [a + depth * s for a, s in zip(start, step, strict=True)]
        gap = _gap(styles, big, *at)
        nearer = gap < best
        best = np.where(nearer, gap, best)
        best_depth = np.where(nearer, depth, best_depth)
        depth = np.maximum(depth - 0.5 * gap, -0.6)
    depth = best_depth
    for _ in range(3):  # Newton's steps, where the ray does hit
        at = [a + depth * s for a, s in zip(start, step, strict=True)]
        gap, gradient = _gap(styles, everything, *at, slopes=True)
        slope = sum(g * s for g, s in zip(gradient, step, strict=True))
        move = np.clip(gap / np.maximum(slope, 0.35), -0.08, 0.08)
        depth = depth - np.where(best < 0.06, move, 0)
    length = np.sqrt(sum(g * g for g in gradient)) + 1e-6
    return types.SimpleNamespace(
        x=at[0],
        y=at[1],
        gap=np.where(best > 0.06, best, np.minimum(best, np.abs(gap))),
        normal=[g / length for g in gradient],
        plane_x=plane_x,
        plane_y=plane_y,
    )
