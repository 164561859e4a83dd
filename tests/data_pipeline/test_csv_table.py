import numpy as np
import pytest

from data_pipeline.csv_table import parse_test, parse_training
from errors import UserError
from tests import small_data


@pytest.fixture(scope="module")
def table():
    images, keypoints = small_data.faces()
    return small_data.training_csv(images[:4], keypoints[:4])


def change(table, row, column, new):
    """The table with one field changed; rows count from 1, the image is column −1."""
    lines = table.splitlines()
    fields = lines[row].split(",")
    fields[column] = new(fields[column])
    lines[row] = ",".join(fields)
    return "\n".join(lines).encode()


def test_what_was_written_is_read(table):
    images, keypoints = parse_training(table.encode(), "training.csv")
    expected_images, expected_keypoints = small_data.faces()
    np.testing.assert_array_equal(images, expected_images[:4])
    np.testing.assert_allclose(keypoints, expected_keypoints[:4], rtol=1e-6)
    assert images.dtype == np.uint8
    assert keypoints.dtype == np.float32


IMAGE = r"training.csv, row 3 \(line 4\), column Image: "


@pytest.mark.parametrize(
    ("column", "new", "message"),
    [
        (-1, lambda text: text.rsplit(" ", 1)[0], IMAGE + "9,215 values where 9,216"),
        (-1, lambda text: text + " 7", IMAGE + "9,217 values"),
        (-1, lambda text: text.replace(" ", " x", 1), IMAGE + "text among the numbers"),
        (-1, lambda text: text + "x", IMAGE + "text among the numbers"),
        (-1, lambda text: "300" + text[text.index(" ") :], IMAGE + "300 where"),
        (-1, lambda text: "-1" + text[text.index(" ") :], IMAGE + "-1 where"),
        (-1, lambda text: "65636" + text[text.index(" ") :], IMAGE + "65636 where"),
        (-1, lambda text: "99999999999" + text[text.index(" ") :], IMAGE + "99999999999 where"),
        (-1, lambda text: text.replace(" ", " 12.5 ", 1), IMAGE + "12.5 where 9,216 whole numbers"),
        (-1, lambda text: text.replace(" ", "+", 1), IMAGE + "text among the numbers"),
        (-1, lambda text: text.replace(" ", "\u00a0", 1), IMAGE + "text among the numbers"),
        (-1, lambda text: "0" * 30 + "300" + text[text.index(" ") :], IMAGE + "0{20} where"),
        (-1, lambda text: "9" * 400 + text[text.index(" ") :], IMAGE + "9{20} where"),
        (-1, lambda text: text + " 0x1F", IMAGE + r"text among the numbers \('0x1F'\)"),
        (-1, lambda text: "7", IMAGE + "1 values where"),
        (-1, lambda text: "", IMAGE + "nothing where"),
        (-1, lambda text: "  ", IMAGE + "nothing where"),
        (2, lambda text: "99999", "column right_eye_center_x: 99999 is far outside"),
        (1, lambda text: "abc", r"row 3 \(line 4\), column left_eye_center_y: .*'abc'"),
        (0, lambda text: "inf", r"row 3 \(line 4\), column left_eye_center_x"),
    ],
)
def test_wrong_field_is_named_by_file_row_and_column(table, column, new, message):
    with pytest.raises(UserError, match=message):
        parse_training(change(table, 3, column, new), "training.csv")


def test_first_wrong_row_of_many_is_named():
    pixels = " ".join(["7"] * 9216)
    rows = [pixels] * 70
    rows[40], rows[41], rows[69] = pixels + " 7", pixels + "x", ""
    table = "\n".join(["ImageId,Image", *(f"{i},{row}" for i, row in enumerate(rows))])
    with pytest.raises(UserError, match=r"row 41 \(line 42\), column Image: 9,217 values"):
        parse_test(table.encode(), "test.csv")
    rows[40] = pixels
    table = "\n".join(["ImageId,Image", *(f"{i},{row}" for i, row in enumerate(rows))])
    with pytest.raises(UserError, match=r"row 42 \(line 43\), column Image: text among"):
        parse_test(table.encode(), "test.csv")


def test_spaces_may_be_several():
    pixels = "  ".join(["0", "255"] * 4608) + " "
    images, _ = parse_test(f"ImageId,Image\n7,{pixels}\n".encode(), "test.csv")
    assert images.shape == (1, 96, 96, 1)
    assert images.ravel()[:3].tolist() == [0, 255, 0]


def test_missing_columns_are_named(table):
    with pytest.raises(UserError, match=r"training.csv lacks 2 of 31 columns: nose_tip_x, Image"):
        parse_training(
            table.replace("nose_tip_x", "nose").replace("Image", "Picture").encode(), "training.csv"
        )


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'a,b\n"1,2\n3'])
def test_what_is_no_csv_is_refused(content):
    with pytest.raises(UserError, match=r"training\.csv"):
        parse_training(content, "training.csv")


def test_header_without_rows_is_refused(table):
    with pytest.raises(UserError, match="no rows"):
        parse_training(table.splitlines()[0].encode(), "training.csv")


def test_image_ids_must_be_whole_numbers():
    pixels = " ".join(["0"] * 9216)
    images, ids = parse_test(f"ImageId,Image\n7,{pixels}\n".encode(), "test.csv")
    assert images.shape == (1, 96, 96, 1)
    assert ids.tolist() == [7]
    with pytest.raises(UserError, match="column ImageId: a whole number"):
        parse_test(f"ImageId,Image\n7.5,{pixels}\n".encode(), "test.csv")


def test_a_keypoint_with_one_coordinate_has_no_label():
    images, keypoints = small_data.faces()
    keypoints = keypoints[:2].copy()
    keypoints[0, 3, 1] = np.nan
    content = small_data.training_csv(images[:2], keypoints).encode()
    _, parsed = parse_training(content, "training.csv")
    assert np.isnan(parsed[0, 3]).all()
    assert np.isnan(parsed).sum() == 2 + np.isnan(keypoints[1]).sum()


@pytest.mark.parametrize("number", ["9" * 30, "9" * 400, "1e308", "inf", "-1e308"])
def test_numbers_beyond_all_bounds_are_refused_by_place(table, number):
    with pytest.raises(UserError, match=r"row 2 \(line 3\), column left_eye_center_x"):
        parse_training(change(table, 2, 0, lambda text: number), "training.csv")
    pixels = " ".join(["0"] * 9216)
    with pytest.raises(UserError, match=r"row 1 \(line 2\), column ImageId"):
        parse_test(f"ImageId,Image\n{number},{pixels}\n".encode(), "test.csv")


@pytest.mark.parametrize("number", ["-96.5", "192.5"])
def test_a_label_a_picture_away_is_refused(table, number):
    with pytest.raises(UserError, match="is far outside the picture"):
        parse_training(change(table, 2, 0, lambda text: number), "training.csv")


@pytest.mark.parametrize("number", ["-0.5", "97.5"])
def test_a_label_beside_the_picture_is_taken(table, number):
    content = change(table, 2, 0, lambda text: number)
    assert parse_training(content, "training.csv")[1][1, 0, 0] == float(number)


def test_true_is_no_number(table):
    with pytest.raises(UserError, match=r"row 2 \(line 3\), column left_eye_center_x: .*'True'"):
        parse_training(change(table, 2, 0, lambda text: "True"), "training.csv")


def test_blank_lines_count_as_lines_but_not_as_rows(table):
    lines = change(table, 3, 0, lambda text: "abc").decode().splitlines()
    content = "\n".join(["", lines[0], "", "", *lines[1:], ""]).encode()
    with pytest.raises(UserError, match=r"row 3 \(line 7\), column left_eye_center_x"):
        parse_training(content, "training.csv")


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(table):
    expected, _ = parse_training(table.encode(), "training.csv")
    content = b"\xef\xbb\xbf" + table.replace("\n", "\r\n").encode()
    np.testing.assert_array_equal(parse_training(content, "training.csv")[0], expected)


def test_a_column_that_is_there_twice_is_refused(table):
    doubled = "\n".join(f"{line.split(',')[0]},{line}" for line in table.splitlines())
    with pytest.raises(UserError, match="training.csv has the column left_eye_center_x twice"):
        parse_training(doubled.encode(), "training.csv")


def test_two_faces_cannot_have_one_id():
    pixels = " ".join(["0"] * 9216)
    rows = "\n".join(f"{image_id},{pixels}" for image_id in (4, 7, 4))
    with pytest.raises(UserError, match=r"row 3 \(line 4\), column ImageId: 4 has occurred before"):
        parse_test(f"ImageId,Image\n{rows}\n".encode(), "test.csv")
