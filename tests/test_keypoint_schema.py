import numpy as np
import pytest

import keypoint_schema
import labelling

# As the tutorial types them: pairs of coordinate columns that change places.
TUTORIAL_COLUMNS = [
    *("left_eye_center", "right_eye_center", "left_eye_inner_corner", "left_eye_outer_corner"),
    *("right_eye_inner_corner", "right_eye_outer_corner", "left_eyebrow_inner_end"),
    *("left_eyebrow_outer_end", "right_eyebrow_inner_end", "right_eyebrow_outer_end", "nose_tip"),
    *("mouth_left_corner", "mouth_right_corner", "mouth_center_top_lip"),
    "mouth_center_bottom_lip",
]
TUTORIAL_FLIP_INDICES = [
    *((0, 2), (1, 3), (4, 8), (5, 9), (6, 10), (7, 11)),
    *((12, 16), (13, 17), (14, 18), (15, 19), (22, 24), (23, 25)),
]
EYE_CORNERS = ("left_eye_inner", "right_eye_inner", "left_eye_outer", "right_eye_outer")
EYEBROWS = ("left_eyebrow_inner", "right_eyebrow_inner", "left_eyebrow_outer")
TUTORIAL_SPECIALISTS = {
    "eye_centers": (["left_eye_center", "right_eye_center"], [(0, 2), (1, 3)]),
    "nose_tip": (["nose_tip"], []),
    "mouth_corners_top_lip": (
        ["mouth_left_corner", "mouth_right_corner", "mouth_center_top_lip"],
        [(0, 2), (1, 3)],
    ),
    "bottom_lip": (["mouth_center_bottom_lip"], []),
    "eye_corners": (
        [f"{name}_corner" for name in EYE_CORNERS],
        [(0, 2), (1, 3), (4, 6), (5, 7)],
    ),
    "eyebrow_ends": (
        [f"{name}_end" for name in (*EYEBROWS, "right_eyebrow_outer")],
        [(0, 2), (1, 3), (4, 6), (5, 7)],
    ),
}


def swapped_columns(names, flip_indices):
    """Column → the column whose value it takes, by the tutorial's pairs."""
    columns = keypoint_schema.column_names(names)
    taken = dict(zip(columns, columns, strict=True))
    for a, b in flip_indices:
        taken[columns[a]], taken[columns[b]] = columns[b], columns[a]
    return taken


def derived_columns(names):
    permutation = keypoint_schema.flip_permutation(names)
    taken = keypoint_schema.column_names([names[p] for p in permutation])
    return dict(zip(keypoint_schema.column_names(names), taken, strict=True))


def test_order_is_kaggles():
    assert list(keypoint_schema.NAMES) == TUTORIAL_COLUMNS


def test_flip_permutation_equals_the_tutorials_pairs():
    assert derived_columns(keypoint_schema.NAMES) == swapped_columns(
        TUTORIAL_COLUMNS, TUTORIAL_FLIP_INDICES
    )


@pytest.mark.parametrize("specialist", keypoint_schema.SPECIALISTS, ids=lambda s: s.name)
def test_specialists_equal_the_tutorials(specialist):
    names, flip_indices = TUTORIAL_SPECIALISTS[specialist.name]
    assert set(specialist.keypoints) == set(names)
    assert derived_columns(specialist.keypoints) == swapped_columns(names, flip_indices)


def test_specialists_follow_the_schemas_order():
    eye_corners = keypoint_schema.SPECIALISTS[4].keypoints
    assert eye_corners[:2] == ("left_eye_inner_corner", "left_eye_outer_corner")


def test_codec_has_its_zero_between_the_middle_pixels():
    assert keypoint_schema.to_normalized(47.5) == 0
    assert keypoint_schema.to_normalized(0.0) == -keypoint_schema.to_normalized(95.0)
    assert keypoint_schema.to_normalized(95.5) == 1
    pixels = np.array([-3.25, 0, 17.5, 95])
    assert (keypoint_schema.to_pixels(keypoint_schema.to_normalized(pixels)) == pixels).all()


def test_flip_permutation_needs_both_sides():
    with pytest.raises(ValueError, match="right_eye_center"):
        keypoint_schema.flip_permutation(["left_eye_center", "nose_tip"])


def test_unknown_keypoint_is_named():
    with pytest.raises(ValueError, match="'chin'"):
        keypoint_schema.indices(["nose_tip", "chin"])


def test_faces_with_only_the_four_points_are_the_four_point_labellers():
    names = ("left_eye_center", "nose_tip", "mouth_left_corner")
    labelled = np.array(
        [[True, True, False], [False, True, False], [True, True, True], [False] * 3, [0, 0, 1]],
        bool,
    )
    assert labelling.is_four_point(labelled, names).tolist() == [True, True] + [False] * 3


def with_mirror_of_its_own(schema):
    schema.setattr(
        keypoint_schema, "MIRRORS", keypoint_schema.MIRRORS | {"nose_tip": "left_eye_center"}
    )


def with_specialists(*specialists):
    return lambda schema: schema.setattr(keypoint_schema, "SPECIALISTS", specialists)


FIRST, *OTHERS = keypoint_schema.SPECIALISTS
BACKWARDS = keypoint_schema.Specialist("eye_centers", FIRST.keypoints[::-1])
SAME_NAME = keypoint_schema.Specialist("nose_tip", FIRST.keypoints)


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda schema: schema.setattr(keypoint_schema, "NUM_KEYPOINTS", 16), "must be unique"),
        (with_mirror_of_its_own, "must be mutual: 'nose_tip' and 'left_eye_center'"),
        (with_specialists(BACKWARDS, *OTHERS), "'eye_centers' must follow the schema's order"),
        (with_specialists(SAME_NAME, *OTHERS), "Specialist names must be unique"),
        (with_specialists(*OTHERS), "must cover each keypoint exactly once"),
        (with_specialists(FIRST, FIRST.__class__("again", FIRST.keypoints), *OTHERS), "exactly"),
    ],
)
def test_a_schema_that_contradicts_itself_is_refused(monkeypatch, break_it, message):
    break_it(monkeypatch)
    with pytest.raises(AssertionError, match=message):
        keypoint_schema._check()
