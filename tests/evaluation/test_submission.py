"""The Kaggle submission: only what is asked, in order, clipped."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import keypoint_schema
from data_pipeline import load_lookup
from errors import UserError
from evaluation.submission import Answers, submission, write_submission
from tests import SHARED

IDS = np.array([7, 3, 9])
POINTS = np.arange(3 * 15 * 2, dtype=np.float32).reshape(3, 15, 2)


def lookup(*rows):
    return pd.DataFrame(rows, columns=["RowId", "ImageId", "FeatureName"])


def answers(points=POINTS, four_points=None):
    return Answers(IDS, points, keypoint_schema.NAMES, four_points)


def test_only_rows_asked_come_in_the_order_asked():
    asked = lookup((5, 9, "nose_tip_y"), (2, 7, "left_eye_center_x"), (9, 3, "right_eye_center_y"))
    table = submission(asked, answers())
    assert list(table.columns) == ["RowId", "Location"]
    assert table["RowId"].tolist() == [5, 2, 9]
    nose_y_of_third = 60 + 2 * keypoint_schema.NAMES.index("nose_tip") + 1
    assert table["Location"].tolist() == [nose_y_of_third, 0, 33]


def test_locations_are_clipped_to_the_image():
    points = POINTS.copy()
    points[0, 0] = -3, 99
    asked = lookup((1, 7, "left_eye_center_x"), (2, 7, "left_eye_center_y"))
    table = submission(asked, answers(points))
    assert table["Location"].tolist() == [0, 96]


def test_faces_asked_for_the_four_alone_are_the_four_point_labellers():
    asked = lookup(
        (1, 7, "nose_tip_x"),
        (2, 7, "nose_tip_y"),
        (3, 7, "mouth_center_bottom_lip_x"),
        (4, 3, "left_eye_center_y"),
        (5, 9, "nose_tip_x"),
        (6, 9, "mouth_center_top_lip_y"),  # so the full labeller placed the third face
    )
    before = submission(asked, answers())["Location"]
    after = submission(asked, answers(four_points=POINTS + 1.5))["Location"]
    assert (after - before).tolist() == [1.5, 1.5, 1.5, 1.5, 0, 0]


@pytest.mark.parametrize(
    ("row", "message"),
    [((1, 8, "nose_tip_x"), "ImageId.*8"), ((4, 7, "chin_x"), "RowId 4.*FeatureName.*chin_x")],
)
def test_questions_without_an_answer_are_told(row, message):
    with pytest.raises(UserError, match=message):
        submission(lookup((0, 3, "nose_tip_x"), row), answers())


def test_a_net_that_lacks_a_keypoint_is_told():
    two = Answers(IDS, POINTS[:, :2], keypoint_schema.NAMES[:2])
    with pytest.raises(UserError, match="and 1 more row.*net predicts.*nose_tip_x"):
        submission(lookup((1, 7, "nose_tip_x"), (2, 7, "nose_tip_y")), two)


def test_drawn_faces_are_asked_for_everything():
    table = submission(load_lookup(None, IDS), answers())
    assert len(table) == 90
    np.testing.assert_array_equal(table["Location"], np.minimum(POINTS.ravel(), 96))


def test_the_scorer_reads_a_submission(tmp_path):
    scorer, faces = SHARED / "score.py", SHARED / "data/faces"
    if not scorer.exists() or not faces.is_dir():
        pytest.skip("there is no ../shared/score.py with its faces")
    ids = np.arange(1, 827)
    points = np.full((826, 15, 2), 48, np.float32)
    file = tmp_path / "submission.csv"
    write_submission(file, load_lookup(faces, ids), Answers(ids, points, keypoint_schema.NAMES))
    result = subprocess.run(
        [sys.executable, str(scorer), str(file)], capture_output=True, text=True, check=True
    )
    assert "over 12600 coordinates" in result.stdout
