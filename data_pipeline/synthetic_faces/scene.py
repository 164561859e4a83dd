"""What surrounds a drawn face, and the camera: background, body, light, blur, noise."""

import numpy as np

import keypoint_schema
from data_pipeline.synthetic_faces import style
from data_pipeline.synthetic_faces.paint import edge, over, ridge

SIZE = keypoint_schema.IMAGE_SIZE
_BLUR_REACH = 7  # px, 2.6 times the widest standard deviation


# No matrix products in this file: BLAS rounds differently with each number of threads.
def enlarge(grid):
    """Half-size maps `(count, GRID, GRID)` at full size, `(count, 96, 96)`, interpolated."""
    tall = _double(grid)
    return _double(tall.transpose(0, 2, 1)).transpose(0, 2, 1)


def _double(grid):
    """Twice the rows: a quarter row before and after each, straight lines go on at the borders."""
    halfstep = np.diff(grid, axis=1) / 4
    before = np.concatenate([halfstep[:, :1], halfstep], 1)
    after = np.concatenate([halfstep, halfstep[:, -1:]], 1)
    doubled = np.empty((len(grid), 2 * grid.shape[1], grid.shape[2]), grid.dtype)
    doubled[:, ::2] = grid - before
    doubled[:, 1::2] = grid + after
    return doubled


def texture(noise, rows, columns):
    """Stretches the first `rows` × `columns` cells of coarse noise over the picture."""
    top, down = _between(rows)
    left, right = _between(columns)
    noise = noise[:, :rows, :columns]
    down = down[:, None]
    tall = noise[:, top] * (1 - down) + noise[:, top + 1] * down
    return tall[:, :, left] * (1 - right) + tall[:, :, left + 1] * right


def _between(cells):
    """For each pixel of a row or column, the cell before it and the share of the one after."""
    at = np.linspace(0, cells - 1, SIZE)
    before = np.minimum(at.astype(int), cells - 2)
    return before, (at - before).astype(np.float32)


def paint_surroundings(styles, plane_x, plane_y):
    """Background, hair behind the head, neck and clothes; gray `(count, 96, 96)`."""
    cells = style.NOISE_CELLS
    rough, fine = texture(styles.coarse[3], 5, 5), texture(styles.coarse[2], cells, cells)
    picture = styles.back_gray * (1 + styles.back_texture * (rough + 0.25 * fine))
    pixels = np.arange(SIZE, dtype=np.float32)
    line = pixels[None, None, :] + styles.back_edge_angle * pixels[None, :, None]
    over(picture, edge(line - styles.back_edge, 2.5), styles.back_edge_gray)
    # Shelves, blinds, letters: a grid of bars, faint or strong, behind some heads.
    bars = np.sin(pixels[None, None, :] * styles.bars_x) + np.sin(
        pixels[None, :, None] * styles.bars_y
    )
    picture *= 1 + styles.bars * edge(bars + 0.6 * rough - 0.5, 0.5)

    # Upright coordinates of the head: the roll taken out, moved along by yaw and pitch.
    roll = np.radians(styles.roll)
    u = np.cos(roll) * plane_x + np.sin(roll) * plane_y
    v = np.cos(roll) * plane_y - np.sin(roll) * plane_x
    turned, nodded = np.sin(np.radians(styles.yaw)), np.sin(np.radians(styles.pitch))
    v = v + 0.3 * nodded

    neck = edge(0.62 * styles.width - np.abs(u - 0.2 * turned), 0.06)
    neck = neck * edge(v - 0.8, 0.1)
    over(picture, neck, styles.skin * (0.42 + 0.25 * np.clip(np.abs(u), 0, 1)))
    aside = np.abs(u - 0.15 * turned)
    collar = v - 1.4 - 0.2 * aside - 0.9 * np.clip(0.5 - aside, 0, 1)
    cloth = styles.cloth_gray * (1 + 0.12 * rough)
    over(picture, edge(collar, 0.05), cloth)

    hair = styles.hair * (0.8 + styles.hair_texture * texture(styles.coarse[0], 7, cells))
    wide = styles.width * (1 + styles.hair_volume * (0.5 + 0.5 * styles.long_hair))
    rise = np.minimum(v, 0) / (1.55 + styles.hair_volume)
    sideways = np.abs((u + 0.18 * turned) / wide)
    shell = 1 - sideways * sideways * np.sqrt(sideways) - np.square(rise * rise)
    length = np.where(styles.long_hair > 0, 1.0 + 3 * styles.hair_volume, 0.05)
    cover = edge(shell + 0.05 * fine, 0.15) * edge(length - v, 0.2)
    over(picture, cover * (1 - styles.bald), np.clip(hair, 0.01, 1))

    return picture


def paint_ears(styles, picture, plane_x, plane_y, near):
    """Ears, in place: those turned away (behind the head) or those turned to us, if `near`."""
    roll, yaw = np.radians(styles.roll), np.radians(styles.yaw)
    u = np.cos(roll) * plane_x + np.sin(roll) * plane_y
    v = np.cos(roll) * plane_y - np.sin(roll) * plane_x
    for side in (-1, 1):
        toward = np.clip(-side * np.sin(yaw), 0, 1)
        shown = (toward > 0.2) == near
        if not shown.any():
            continue
        ear_x = side * styles.width * np.cos(yaw) * (1.02 - 0.25 * toward)
        along = (u - ear_x) / (0.12 + 0.1 * toward)
        reach = 1 - along**2 - ((v - 0.18 + 0.3 * np.sin(np.radians(styles.pitch))) / 0.3) ** 2
        ear = edge(reach, 0.35) * (1 - styles.long_hair) * shown
        gray = styles.skin * (styles.ambient + 0.35) * (0.9 - 0.3 * ridge(along, 0.55))
        over(picture, ear, gray)


def light(styles, placed, normal):
    """Diffuse light and shine on the head: two maps like those of `normal`."""
    aim = np.concatenate([styles.light_x, styles.light_y, np.ones_like(styles.light_x)], 2)[:, 0]
    aim = aim / np.sqrt((aim * aim).sum(1, keepdims=True))
    halfway = aim + np.float32([0, 0, 1])
    halfway = halfway / np.sqrt((halfway * halfway).sum(1, keepdims=True))
    aim, halfway = (
        (placed.turn * vector[:, :, None]).sum(1)[..., None, None] for vector in (aim, halfway)
    )
    facing = sum(n * aim[:, i] for i, n in enumerate(normal))
    shine = np.maximum(sum(n * halfway[:, i] for i, n in enumerate(normal)), 0)
    for _ in range(4):  # to the 16th power
        shine = shine * shine
    toward = placed.turn[:, 2][..., None, None]
    rim = np.clip(sum(n * toward[:, i] for i, n in enumerate(normal)), 0, 1)
    diffuse = styles.ambient * (0.6 + 0.4 * rim) + (1.05 - styles.ambient) * 1.15 * np.maximum(
        (facing + 0.15) / 1.15, 0
    )
    return diffuse, shine * styles.shine


def cast_shadow(styles, picture):
    """Darkens one side of the whole scene, in place, along a soft line through the face."""
    pixels = np.arange(SIZE, dtype=np.float32) - keypoint_schema.IMAGE_CENTER
    angle = styles.shadow_angle
    distance = np.cos(angle) * pixels[None, None, :] + np.sin(angle) * pixels[None, :, None]
    picture *= 1 - styles.shadow * styles.shadow_depth * edge(distance - 6 * np.sin(3 * angle), 8)


def occlude(styles, picture):
    """Lays a hand, a microphone or the like over the border of some faces, in place."""
    pixels = np.arange(SIZE, dtype=np.float32) - keypoint_schema.IMAGE_CENTER
    angle, size = styles.occluder_angle, styles.occluder_size
    across = np.cos(angle) * pixels[None, None, :] + np.sin(angle) * pixels[None, :, None]
    along = np.cos(angle) * pixels[None, :, None] - np.sin(angle) * pixels[None, None, :]
    inward = across - styles.occluder_reach
    distance = size - np.sqrt(np.minimum(inward, 0) ** 2 + along**2)
    gray = styles.occluder_gray * (0.7 + 0.5 * np.clip(distance / size, 0, 1))
    gray = gray * (1 + 0.15 * texture(styles.coarse[2], 12, 12))
    over(picture, styles.occluder * edge(distance, 1.5), gray)


def _blur_rows(picture, width):
    """Gaussian blur across the rows, standard deviation `width` px; borders repeated."""
    padded = np.pad(picture, ((0, 0), (_BLUR_REACH, _BLUR_REACH), (0, 0)), mode="edge")
    blurred, total = np.zeros_like(picture), np.zeros_like(width)
    for offset in range(-_BLUR_REACH, _BLUR_REACH + 1):
        weight = np.exp(-(offset * offset) / (2 * width * width))
        blurred += weight * padded[:, _BLUR_REACH + offset :][:, :SIZE]
        total += weight
    return blurred / total


def photograph(styles, picture):
    """Exposure, blur, gamma and noise; uint8 `(count, 96, 96, 1)`."""
    motion = styles.motion
    picture = _blur_rows(picture, styles.blur + np.maximum(-motion, 0))
    picture = _blur_rows(picture.transpose(0, 2, 1), styles.blur + np.maximum(motion, 0))
    picture = picture.transpose(0, 2, 1)
    exposed = np.clip(picture * styles.gain, 0.001, 2) ** styles.gamma
    # Bright parts are rolled off rather than cut.
    exposed = np.where(exposed > 0.8, 0.8 + 0.2 * np.tanh((exposed - 0.8) * 5), exposed)
    grain = np.stack([rng.standard_normal((SIZE, SIZE), np.float32) for rng in styles.rngs])
    gray = 215 * exposed + styles.lift + styles.noise * grain
    return np.clip(np.rint(gray), 0, 255).astype(np.uint8)[..., None]
