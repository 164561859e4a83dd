import numpy as np
import pytest

import keypoint_schema
from data_pipeline import synthetic_faces
from data_pipeline.synthetic_faces import head, labels, scene, style
from tests import SHARED

KAGGLE_LABELS = SHARED / "data/kaggle/training_labels.csv"


@pytest.fixture(scope="module")
def faces():
    return synthetic_faces.draw_faces(240, seed=3)


def column(keypoints, name):
    return keypoints[:, keypoint_schema.NAMES.index(name)]


def brightness(images, points):
    """Gray at the pixels nearest to `points` `(N, 2)`, mean of 3×3, as a share of the picture's."""
    column_row = np.rint(points).astype(int)
    patches = [
        image[y - 1 : y + 2, x - 1 : x + 2].mean() / image.mean()
        for image, (x, y) in zip(images, column_row, strict=True)
    ]
    return np.array(patches)


def test_shapes_and_types(faces):
    images, keypoints = faces
    assert images.shape == (240, 96, 96, 1)
    assert images.dtype == np.uint8
    assert keypoints.shape == (240, 15, 2)
    assert keypoints.dtype == np.float32


def test_same_seed_draws_the_same_faces_and_smaller_sets_are_prefixes(faces):
    images, keypoints = faces
    for count in (0, 1, 13):
        some_images, some_keypoints = synthetic_faces.draw_faces(count, seed=3)
        np.testing.assert_array_equal(some_images, images[:count])
        np.testing.assert_array_equal(some_keypoints, keypoints[:count])


def test_faces_differ_within_a_seed_and_between_seeds(faces):
    images, keypoints = faces
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)
    others, other_keypoints = synthetic_faces.draw_faces(8, seed=4)
    assert not (others[:, None] == images[None, :8]).all((2, 3, 4)).any()
    assert np.abs(other_keypoints - keypoints[:8]).mean() > 1


def test_keypoints_lie_within_the_picture(faces):
    _, keypoints = faces
    assert np.isfinite(keypoints).all()
    assert keypoints.min() >= 1.9
    assert keypoints.max() <= 93.1


def test_the_persons_left_is_right_in_the_picture_and_faces_are_upright(faces):
    _, keypoints = faces
    for name, mirror in keypoint_schema.MIRRORS.items():
        if name.startswith("left") or name == "mouth_left_corner":
            assert (column(keypoints, name)[:, 0] > column(keypoints, mirror)[:, 0]).all()
    order = ("left_eye_center", "nose_tip", "mouth_center_top_lip", "mouth_center_bottom_lip")
    heights = np.stack([column(keypoints, name)[:, 1] for name in order], 1)
    assert (np.diff(heights, axis=1) > 0).all()


def test_spread_is_that_of_real_faces(faces):
    _, keypoints = faces
    spread = np.sqrt(((keypoints - keypoints.mean(0)) ** 2).mean())
    assert 3.5 < spread < 5.5  # px; 4.6 over the complete rows of real video frames


def test_what_is_drawn_at_a_keypoint_is_that_point_of_the_head():
    styles = style.choose_styles(5, 0, 32)
    placed = head.place_heads(styles)
    seen = head.trace(styles, placed)
    maps = [scene.enlarge(part) for part in (seen.x, seen.y)]
    corner = np.floor(placed.keypoints).astype(int)
    right, down = np.moveaxis(placed.keypoints - corner, -1, 0)
    face, (x, y) = np.arange(32)[:, None], np.moveaxis(corner, -1, 0)

    def between_pixels(values):
        top = values[face, y, x] * (1 - right) + values[face, y, x + 1] * right
        bottom = values[face, y + 1, x] * (1 - right) + values[face, y + 1, x + 1] * right
        return top * (1 - down) + bottom * down

    wanted = head.landmarks(styles)
    off = [between_pixels(a) - b[..., 0] for a, b in zip(maps, wanted, strict=True)]
    off = np.hypot(*off) * placed.scale[:, :, 0]  # px
    assert np.median(off) < 0.05
    # The rest: ends of eyebrows beyond the horizon of a turned head, eyes behind the nose.
    assert (off < 0.5).mean() > 0.95


def test_eyes_brows_and_mouths_are_darker_than_the_skin_beside_them(faces):
    images, keypoints = faces
    left, right = column(keypoints, "left_eye_center"), column(keypoints, "right_eye_center")
    between_eyes = (left + right) / 2
    cheek = (right + column(keypoints, "mouth_right_corner")) / 2
    skin = (brightness(images, between_eyes) + brightness(images, cheek)) / 2
    assert (brightness(images, left) < skin).mean() > 0.75
    assert brightness(images, left).mean() < 0.85 * skin.mean()
    inner, outer = (column(keypoints, f"right_eyebrow_{end}_end") for end in ("inner", "outer"))
    within, beyond = inner + (outer - inner) * 0.15, inner - (outer - inner) * 0.15
    assert brightness(images, within).mean() < 0.9 * brightness(images, beyond).mean()
    mouth_corner = column(keypoints, "mouth_left_corner")
    outside = mouth_corner + (mouth_corner - column(keypoints, "mouth_right_corner")) * 0.15
    assert brightness(images, mouth_corner).mean() < 0.92 * brightness(images, outside).mean()


def test_hidden_labels_follow_kaggles_frequencies():
    keypoints = np.zeros((20_000, 15, 2), np.float32)
    hidden = synthetic_faces.hide_labels(keypoints, seed=1)
    assert hidden.dtype == np.float32
    assert not np.isnan(keypoints).any()
    missing = np.isnan(hidden)
    np.testing.assert_array_equal(missing[..., 0], missing[..., 1])
    labelled = ~missing[..., 0]
    assert labelled.all(1).mean() == pytest.approx(2140 / 7049, abs=0.015)
    four = keypoint_schema.indices(
        ["left_eye_center", "right_eye_center", "nose_tip", "mouth_center_bottom_lip"]
    )
    exactly_four = labelled[:, four].all(1) & (labelled.sum(1) == 4)
    assert exactly_four.mean() == pytest.approx(4755 / 7049, abs=0.015)
    patterns, counts = labels.labelled_patterns()
    np.testing.assert_allclose(labelled.mean(0), counts @ patterns / counts.sum(), atol=0.015)


def test_hidden_labels_depend_on_seed_and_row_alone():
    keypoints = np.ones((500, 15, 2), np.float32)
    hidden = synthetic_faces.hide_labels(keypoints, seed=7)
    np.testing.assert_array_equal(hidden[:90], synthetic_faces.hide_labels(keypoints[:90], seed=7))
    other = synthetic_faces.hide_labels(keypoints, seed=8)
    assert (np.isnan(hidden) != np.isnan(other)).any()


@pytest.mark.skipif(not KAGGLE_LABELS.is_file(), reason=f"{KAGGLE_LABELS} is absent")
def test_patterns_are_those_of_kaggles_table():
    with KAGGLE_LABELS.open() as file:
        header = file.readline().strip().split(",")
        rows = [line.rstrip("\r\n").split(",") for line in file if line.strip()]
    chosen = [header.index(name) for name in keypoint_schema.column_names()]
    labelled = np.array([[row[i] != "" for i in chosen] for row in rows])[:, ::2]
    real, real_counts = np.unique(labelled, axis=0, return_counts=True)
    patterns, counts = labels.labelled_patterns()
    order = np.lexsort(patterns.T[::-1])
    np.testing.assert_array_equal(patterns[order], real)
    np.testing.assert_array_equal(counts[order], real_counts)
