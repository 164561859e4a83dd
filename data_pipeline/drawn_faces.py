"""The built-in faces: drawn from a seed, with exact keypoints, so that nothing need be downloaded.

`drawn_style` makes the random choices, `drawn_head` poses a solid head and projects its keypoints,
`drawn_paint` and `drawn_scene` draw it; `drawn_labels` hides labels as Kaggle's table does.
"""

import numpy as np

import keypoint_schema
from data_pipeline import drawn_head, drawn_paint, drawn_scene, drawn_style
from data_pipeline.drawn_labels import hide_labels

__all__ = ["draw_faces", "hide_labels"]

# Faces drawn at once: few, so that their maps stay in the processor's cache. Whole chunks are drawn
# always, so that a face goes through the same instructions whatever the count.
_CHUNK = 8


def draw_faces(count, seed):
    """Draws faces; face i depends on (seed, i) alone, so smaller sets are prefixes of larger ones.

    Args:
        count: how many, ≥ 0.
        seed: int ≥ 0.

    Returns:
        Images uint8 `(count, 96, 96, 1)`, gray, and keypoints float32 `(count, 15, 2)`, (x, y) in
        pixels from the centre of the top left pixel, in the schema's order, all there and exact.
    """
    size, points = keypoint_schema.IMAGE_SIZE, keypoint_schema.NUM_KEYPOINTS
    images = np.empty((count, size, size, 1), np.uint8)
    keypoints = np.empty((count, points, 2), np.float32)
    for first in range(0, count, _CHUNK):
        some = slice(first, min(first + _CHUNK, count))
        drawn, placed = _draw_chunk(drawn_style.choose_styles(seed, first, _CHUNK))
        images[some] = drawn[: some.stop - first]
        keypoints[some] = placed[: some.stop - first]
    return images, keypoints


def _draw_chunk(styles):
    placed = drawn_head.place_heads(styles)
    hit = drawn_head.trace(styles, placed)
    diffuse, shine = drawn_scene.light(styles, placed, hit.normal)
    x, y, gap, diffuse, shine = (
        drawn_scene.enlarge(part) for part in (hit.x, hit.y, hit.gap, diffuse, shine)
    )
    cells = drawn_style.NOISE_CELLS
    canvas = drawn_paint.Canvas(
        x,
        y,
        pixel=1 / placed.scale,
        streaks=drawn_scene.texture(styles.coarse[0], 7, cells),
        blotches=drawn_scene.texture(styles.coarse[1], 8, 8),
        folds=drawn_scene.texture(styles.coarse[2], cells, cells),
    )
    drawn_paint.paint_skin(canvas, styles)
    drawn_paint.paint_nose(canvas, styles)
    mouth = drawn_paint.paint_mouth(canvas, styles)
    drawn_paint.paint_eyes(canvas, styles)
    drawn_paint.paint_hair(canvas, styles, mouth)
    drawn_paint.paint_brows(canvas, styles)
    drawn_paint.paint_glasses(canvas, styles)

    plane_x, plane_y = drawn_scene.enlarge(hit.plane_x), drawn_scene.enlarge(hit.plane_y)
    picture = drawn_scene.paint_surroundings(styles, placed, plane_x, plane_y)
    drawn_scene.paint_ears(styles, picture, plane_x, plane_y, near=False)
    head = drawn_paint.edge(0.02 - gap, canvas.pixel * 1.5)
    drawn_paint.over(picture, head, canvas.albedo * diffuse + 0.25 * shine)
    drawn_scene.paint_ears(styles, picture, plane_x, plane_y, near=True)
    drawn_scene.cast_shadow(styles, picture)
    drawn_scene.occlude(styles, picture)
    return drawn_scene.photograph(styles, picture), placed.keypoints
