import numpy as np
import rich.console

import keypoint_schema
from data_pipeline.face_data import FaceData
from data_pipeline.label_summary import outside_picture, summary_table, swapped_sides

LEFT_EYE, RIGHT_EYE = keypoint_schema.indices(["left_eye_center", "right_eye_center"])


def faces(count=8):
    """Left keypoints at x = 60, right ones at 30."""
    x = [60.0 if "left" in name else 30.0 for name in keypoint_schema.NAMES]
    keypoints = np.stack([x, np.full(15, 50.0)], -1)[None].repeat(count, 0).astype(np.float32)
    return FaceData(np.zeros((count, 96, 96, 1), np.uint8), keypoints, np.arange(count))


def printed(data):
    console = rich.console.Console(width=200)
    with console.capture() as captured:
        console.print(summary_table(data))
    return captured.get()


def test_sound_labels_raise_no_doubts():
    data = faces()
    data.keypoints[0, LEFT_EYE] = [95.5, -0.5]  # on the border of the picture
    data.keypoints[1, LEFT_EYE] = np.nan
    assert not len(outside_picture(data))
    assert not len(swapped_sides(data))
    assert "Please check" not in printed(data)


def test_labels_outside_the_picture_are_counted_by_row():
    data = faces()
    data.keypoints[2, 10, 0] = 95.6
    data.keypoints[5, 3, 1] = -0.6
    assert outside_picture(data).tolist() == [2, 5]
    assert "Please check: labels outside the picture in rows 3, 6\n" in printed(data)


def test_swapped_eyes_are_counted_by_row():
    data = faces()
    data.keypoints[4, [LEFT_EYE, RIGHT_EYE]] = data.keypoints[4, [RIGHT_EYE, LEFT_EYE]]
    assert swapped_sides(data).tolist() == [4]
    assert "Please check: left and right swapped in row 5\n" in printed(data)


def test_the_first_five_rows_are_named_and_the_rest_counted():
    data = faces()
    data.keypoints[:7, 10] = -30
    assert "labels outside the picture in rows 1, 2, 3, 4, 5 and 2 more\n" in printed(data)


def test_a_side_without_its_mirror_is_not_judged():
    data = faces().select(["left_eye_center", "nose_tip"])
    assert not len(swapped_sides(data))
