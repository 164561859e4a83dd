"""Paints a drawn face: skin, hair, eyes, eyebrows, nose, mouth and what is worn, as gray maps.

All features are drawn in the head's coordinates (see `style`), so the pose moves, turns and
foreshortens them as it does the keypoints of `head.landmarks`.
"""

import numpy as np

from data_pipeline.synthetic_faces import head


def over(picture, cover, gray):
    """Lays `gray` over the picture, in place, as opaque as `cover` (0–1) says."""
    picture += cover * (gray - picture)


def edge(distance, softness):
    """1 well inside (distance > 0), 0 well outside, a ramp as wide as `softness` between."""
    return np.clip(distance / softness + np.float32(0.5), 0, 1)


def ridge(distance, width):
    """1 at distance 0, fading like a Gaussian of that width."""
    scaled = distance / width
    return np.exp(-scaled * scaled)


class Canvas:
    """The maps that all features share.

    Attributes:
        x, y: the head's coordinates at each pixel, `(count, 96, 96)`.
        across: distance from the head's middle plane; both sides are drawn at once with it.
        is_left: 1 on the person's left side, else 0.
        pixel: size of a pixel in head units, `(count, 1, 1)`.
        streaks, blotches, folds: smooth standard normal textures.
        albedo: the picture before lighting; features are laid over it.
    """

    def __init__(self, x, y, pixel, streaks, blotches, folds):
        self.x, self.y, self.pixel = x, y, pixel
        self.streaks, self.blotches, self.folds = streaks, blotches, folds
        self.across = np.abs(x)
        self.is_left = (x > 0).astype(np.float32)
        self.albedo = np.zeros_like(x)


def paint_skin(canvas, styles):
    """Skin with blotches, folds from nose to mouth, wrinkles and dark rings."""
    across, y = canvas.across, canvas.y
    tone = 1 + styles.skin_texture * (canvas.blotches + 0.6 * canvas.folds)
    sockets = ridge(across - styles.eye_x + 0.06, 0.26) * ridge(y + 0.06, 0.13)
    tone -= styles.socket * 0.6 * sockets
    down = np.clip((y - styles.nose_y + 0.02) / 0.42, 0, 1.3)
    fold = ridge(across - 0.2 * styles.nose_width - 0.24 * down, 0.035)
    tone -= styles.fold * fold * edge(y - styles.nose_y, 0.15) * edge(styles.mouth_y - y, 0.3)
    bag = ridge(y - 0.14 + 0.1 * ((across - styles.eye_x) / 0.22) ** 2, 0.03)
    tone -= styles.bags * bag * ridge(across - styles.eye_x, 0.2)
    waves = np.sin(y * 42 + canvas.folds * 1.5) * edge(-0.45 - y, 0.2) * edge(0.6 - across, 0.3)
    tone -= np.maximum(styles.wrinkles, 0) * 0.5 * np.maximum(waves, 0)
    canvas.albedo[:] = styles.skin * tone


def paint_eyes(canvas, styles):
    """Eyes: the white, the iris with its glint, lashes, the fold of the lid."""
    across, is_left = canvas.across, canvas.is_left
    along = across - styles.eye_x
    t = along / styles.eye_half
    arch = np.clip(1 - t * t, 0, 1)
    over_line = canvas.y - head.eye_lift(styles, is_left) - styles.eye_tilt * along
    upper, lower = head.lid_heights(styles, is_left)
    below_upper = over_line + upper * arch
    above_lower = lower * arch - over_line
    between = np.minimum(below_upper, above_lower)
    opened = edge(between, canvas.pixel * 1.2) * (np.abs(t) < 1)

    middle = (lower - upper) / 2
    side = 2 * is_left - 1
    from_iris_x = along - side * styles.gaze_x
    from_iris_y = over_line - middle * 0.6 - styles.gaze_y * edge(styles.eye_open - 0.04, 0.04)
    distance = np.sqrt(from_iris_x * from_iris_x + from_iris_y * from_iris_y)
    white = styles.sclera * np.sqrt(styles.skin) * (0.55 + 0.45 * arch)
    white = white * (0.5 + 0.5 * np.clip(below_upper * 14, 0, 1))
    eye = np.broadcast_to(white, across.shape).copy()
    over(eye, edge(styles.iris_radius - distance, canvas.pixel * 1.3), styles.iris_gray * 0.75)
    over(eye, edge(styles.iris_radius * 0.45 - distance, canvas.pixel), np.float32(0.02))
    glint = ridge(along + 0.025 * side, 0.022) * ridge(from_iris_y + 0.03, 0.022)
    over(eye, glint * 0.8, np.float32(1.0))

    skin = styles.skin
    within = edge(1.06 - np.abs(t), 0.12)
    crease = ridge(below_upper + styles.crease_gap, 0.018) * within * styles.crease
    over(canvas.albedo, crease, skin * 0.35)
    over(canvas.albedo, opened, eye)
    lash = ridge(below_upper + 0.008, 0.026) * within * styles.lashes
    over(canvas.albedo, lash, np.float32(0.04))
    under = ridge(above_lower + 0.005, 0.018) * within * styles.lashes * 0.45
    over(canvas.albedo, under, skin * 0.3)


def paint_brows(canvas, styles):
    """Eyebrows, tapering to their outer ends and ending exactly at the keypoints."""
    t = (canvas.across - styles.brow_inner_x) / (styles.brow_outer_x - styles.brow_inner_x)
    inside = np.clip(t, 0, 1)
    line = styles.brow_inner_y - canvas.is_left * styles.brow_left_lift
    line = line + styles.brow_slope * inside - styles.brow_arch * 4 * inside * (1 - inside)
    ends = np.sqrt(np.clip(np.minimum(t * 5, (1 - t) * 4), 0, 1))
    half = styles.brow_half * (1.1 - 0.55 * inside) * ends
    cover = edge(half - np.abs(canvas.y - line), canvas.pixel * 2.2) * (ends > 0)
    cover = cover * np.clip(styles.brow_strength + 0.2 * canvas.streaks, 0, 1)
    over(canvas.albedo, cover, np.minimum(styles.hair * 0.7 + 0.02, styles.skin * 0.55))
    furrow = ridge(canvas.across - 0.1, 0.025) * ridge(canvas.y + 0.24, 0.12)
    over(canvas.albedo, furrow * np.maximum(styles.frown, 0) * 0.7, styles.skin * 0.4)


def paint_nose(canvas, styles):
    """Nostrils, the wings' creases, the shadow under the tip and the light on it."""
    across, y = canvas.across, canvas.y - styles.nose_y
    wide = styles.nose_width
    hole = 1 - ((across - 0.1 * wide) / 0.062) ** 2 - ((y - 0.125 + 0.2 * across) / 0.035) ** 2
    under = ridge(across, 0.17 * wide) * ridge(y - 0.15, 0.045)
    over(canvas.albedo, under * 0.45 * styles.nostrils, styles.skin * 0.3)
    over(canvas.albedo, edge(hole, 1.2) * styles.nostrils, styles.skin * 0.1)
    wing = ((across - 0.13 * wide) / (0.125 * wide)) ** 2 + ((y - 0.06) / 0.1) ** 2
    crease = ridge(np.sqrt(wing) - 1, 0.2) * edge(across - 0.17 * wide, 0.06)
    over(canvas.albedo, crease * 0.4 * styles.nostrils, styles.skin * 0.35)
    canvas.albedo *= 1 + 0.22 * ridge(across, 0.07) * ridge(y, 0.07)
    canvas.albedo *= 1 + 0.08 * ridge(across, 0.05) * ridge(y + 0.3, 0.2)


def paint_mouth(canvas, styles):
    """Lips that meet at the corners, teeth and the dark between them when open.

    Returns:
        How much of each pixel the mouth covers.
    """
    along = canvas.x - styles.mouth_x
    t = along / styles.mouth_half
    arch = np.clip(1 - t * t, 0, 1)
    seam = styles.mouth_y + styles.mouth_tilt * along + styles.smile * arch
    upper_edge = seam - 0.3 * styles.opening * arch
    lower_edge = seam + 0.7 * styles.opening * arch
    bow = 1 - styles.cupid * ridge(t, 0.2)
    top = upper_edge - styles.upper_lip * arch * bow
    bottom = lower_edge + styles.lower_lip * arch * (0.5 + 0.5 * arch)
    y, soft = canvas.y, canvas.pixel * 1.3
    here = edge(np.minimum(y - top, bottom - y), soft) * (np.abs(t) < 1)

    lip = styles.skin * styles.lip_gray
    shade = np.where(y < seam, 0.82, 1.0 + styles.lip_gloss * ridge(y - bottom + 0.075, 0.03))
    over(canvas.albedo, here, lip * shade.astype(np.float32))
    hollow = edge(np.minimum(y - upper_edge, lower_edge - y), soft) * (np.abs(t) < 1)
    teeth = edge(upper_edge + 0.085 - y, 0.03) * np.clip(3 * styles.teeth, 0, 1)
    teeth = teeth * arch * edge(styles.opening - 0.03, 0.04)
    inside = 0.04 + teeth * (0.75 * np.sqrt(styles.skin) - 0.04)
    over(canvas.albedo, hollow * edge(styles.opening - 0.015, 0.02), inside)
    # Pressed lips meet in a dark line; it ends, with a small pit, at the corners.
    line = ridge(y - np.where(arch > 0, seam, styles.mouth_y + styles.mouth_tilt * along), 0.016)
    shut = 1 - edge(styles.opening - 0.015, 0.02)
    line = line * edge(1 - np.abs(t), 0.1) * (0.15 + 0.85 * shut)
    over(canvas.albedo, line * styles.seam, lip * 0.2)
    corner_y = styles.mouth_y + styles.mouth_tilt * along
    pit = ridge(np.abs(t) - 0.97, 0.08) * ridge(y - corner_y, 0.03)
    over(canvas.albedo, pit * styles.seam * 0.7, styles.skin * 0.25)
    below = ridge(y - bottom - 0.07, 0.04) * ridge(t, 0.65)
    over(canvas.albedo, below * 0.3, styles.skin * 0.5)
    return here


def paint_hair(canvas, styles, mouth):
    """Hair, fringe, hat, beard and moustache, as far as they lie on the face."""
    x, y, across = canvas.x, canvas.y, canvas.across
    hair = styles.hair * (1 + styles.hair_texture * canvas.streaks)
    rough = 0.035 * canvas.streaks + 0.02 * canvas.folds
    line = -styles.hairline + styles.hairline_curve * (x - styles.parting) ** 2 + rough
    line = line + 9 * np.maximum(across - styles.hair_side, 0)
    length = 0.2 + 9 * styles.long_hair
    line = np.minimum(line, length + 4 * np.minimum(1.12 - across, 0) * (1 - styles.long_hair))
    over(canvas.albedo, edge(line - y, 0.12), np.clip(hair, 0.01, 1))
    # A bald head keeps the hair at its sides.
    fringe = (
        styles.bald * edge(across - 0.93 - 0.1 * rough, 0.1) * edge(0.25 - np.abs(y + 0.1), 0.1)
    )
    over(canvas.albedo, fringe, np.clip(hair, 0.01, 1))

    jaw = 1.2 + 0.7 * styles.opening - (0.95 + 0.15 * canvas.blotches) * across
    growth = edge(y - jaw, 0.18)
    upper = edge(0.13 - np.abs(y - styles.nose_y - 0.27), 0.1)
    upper = upper * edge(0.4 - across + 0.3 * (y - styles.nose_y - 0.3), 0.1)
    upper = upper * edge(styles.mouth_y + 0.25 - y, 0.15)
    growth = growth * np.where(styles.goatee > 0, edge(0.42 - across, 0.15), 1)
    growth = np.maximum(growth * styles.beard, upper * np.maximum(styles.beard, styles.moustache))
    growth = growth * edge(1.05 - across, 0.2) * (1 - mouth)
    growth = growth * np.clip(styles.beard_strength + 0.15 * canvas.streaks, 0, 1)
    over(canvas.albedo, growth, np.clip(np.minimum(hair, styles.skin * 0.8), 0.02, 1))

    brim = -0.62 + 0.12 * x * x
    over(canvas.albedo, styles.hat * edge(brim - y, 0.05), styles.cloth_gray)
    shade = styles.hat * ridge(y - brim - 0.08, 0.12) * (y > brim)
    canvas.albedo *= 1 - 0.5 * shade


def paint_glasses(canvas, styles):
    """Glasses: rims, bridge, arms, glare, sometimes tinted."""
    if not styles.glasses.any():
        return
    across = canvas.across
    u = ((across - styles.eye_x - 0.02) / styles.glasses_width) ** 2
    v = ((canvas.y - 0.025) / styles.glasses_height) ** 2
    radius = np.sqrt(np.sqrt(u * u + v * v)) - 1
    distance = radius * styles.glasses_height
    lens = edge(-distance, 0.03) * styles.glasses
    over(canvas.albedo, lens * (0.05 + 0.85 * styles.tinted), np.float32(0.05))
    slant = (across - styles.eye_x + 0.6 * canvas.y) / styles.glasses_width
    glare = ridge(slant - 0.4, 0.22) * lens * styles.glare * 0.6
    over(canvas.albedo, glare, np.float32(0.9))
    frame = edge(styles.glasses_frame + 0.3 * canvas.pixel - np.abs(distance), canvas.pixel)
    inner = styles.eye_x + 0.02 - styles.glasses_width
    bridge = ridge(canvas.y + 0.01 - 0.2 * across, styles.glasses_frame * 1.5) * (across < inner)
    outer = styles.eye_x + 0.02 + styles.glasses_width
    arm = ridge(canvas.y + 0.03, styles.glasses_frame * 1.5) * (across > outer)
    worn = np.maximum(np.maximum(frame, bridge), arm) * styles.glasses
    over(canvas.albedo, worn, styles.glasses_gray)
