"""Draws faces: the pieces that `style`, `head`, `paint` and `scene` give, put together."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import keypoint_schema
from data_pipeline.synthetic_faces import head, paint, scene, style

# Faces drawn at once: few, so that their maps stay in the processor's cache. Whole chunks are drawn
# always, so that a face goes through the same instructions whatever the count.
_CHUNK = 8
# NumPy computes outside the interpreter's lock, most of the time.
_MOST_THREADS = 4


def draw_faces(count, seed):
    """Draws faces; face i depends on (seed, i) alone, so smaller sets are prefixes of larger ones.

    Args:
        count: how many, ≥ 0.
        seed: int ≥ 0.

    Returns:
        Images uint8 `(count, 96, 96, 1)`, gray, and keypoints float32 `(count, 15, 2)`, (x, y) in
        pixels from the centre of the top left pixel, in the schema's order, all there and exact.
    """
    images = np.empty((count, *keypoint_schema.IMAGE_SHAPE), np.uint8)
    keypoints = np.empty((count, keypoint_schema.NUM_KEYPOINTS, 2), np.float32)
    starts = range(0, count, _CHUNK)
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        chunks = threads.map(lambda first: _draw_chunk(seed, first), starts)
        for first, (drawn, placed) in zip(starts, chunks, strict=True):
            some = slice(first, min(first + _CHUNK, count))
            images[some] = drawn[: some.stop - first]
            keypoints[some] = placed[: some.stop - first]
    return images, keypoints


def _draw_chunk(seed, first):
    styles = style.choose_styles(seed, first, _CHUNK)
    placed = head.place_heads(styles)
    hit = head.trace(styles, placed)
    diffuse, shine = scene.light(styles, placed, hit.normal)
    x, y, gap, diffuse, shine = (
        scene.enlarge(part) for part in (hit.x, hit.y, hit.gap, diffuse, shine)
    )
    cells = style.NOISE_CELLS
    canvas = paint.Canvas(
        x,
        y,
        pixel=1 / placed.scale,
        streaks=scene.texture(styles.coarse[0], 7, cells),
        blotches=scene.texture(styles.coarse[1], 8, 8),
        folds=scene.texture(styles.coarse[2], cells, cells),
    )
    paint.paint_skin(canvas, styles)
    paint.paint_nose(canvas, styles)
    mouth = paint.paint_mouth(canvas, styles)
    paint.paint_eyes(canvas, styles)
    paint.paint_hair(canvas, styles, mouth)
    paint.paint_brows(canvas, styles)
    paint.paint_glasses(canvas, styles)

    plane_x, plane_y = scene.enlarge(hit.plane_x), scene.enlarge(hit.plane_y)
    picture = scene.paint_surroundings(styles, plane_x, plane_y)
    scene.paint_ears(styles, picture, plane_x, plane_y, near=False)
    coverage = paint.edge(0.02 - gap, canvas.pixel * 1.5)
    paint.over(picture, coverage, canvas.albedo * diffuse + 0.25 * shine)
    scene.paint_ears(styles, picture, plane_x, plane_y, near=True)
    scene.cast_shadow(styles, picture)
    scene.occlude(styles, picture)
    return scene.photograph(styles, picture), placed.keypoints
