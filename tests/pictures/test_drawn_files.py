"""Where drawings go: never onto a picture, nor two onto one place."""

import os
import pathlib

from pictures import drawn_files


def names(drawn, folder, inputs=()):
    return [path.name for path in drawn_files(map(pathlib.Path, drawn), folder, inputs)]


def test_a_drawing_is_called_after_its_picture(tmp_path):
    assert drawn_files([pathlib.Path("d/f.jpg")], tmp_path, []) == [tmp_path / "f_keypoints.png"]


def test_pictures_of_one_stem_get_numbers(tmp_path):
    assert names(["a/f.png", "b/f.jpg", "c/F.png", "f-2.png"], tmp_path) == [
        "f_keypoints.png",
        "f-2_keypoints.png",
        "F-3_keypoints.png",
        "f-2-2_keypoints.png",
    ]


def test_no_picture_is_replaced_whatever_it_is_called_by(tmp_path):
    picture = tmp_path / "f_keypoints.png"
    picture.write_bytes(b"a picture")
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    for path in (
        picture,
        tmp_path / "link" / "f_keypoints.png",
        pathlib.Path(os.path.relpath(picture)),
    ):
        assert names(["f.png"], tmp_path, [path]) == ["f-2_keypoints.png"]
    assert names(["f.png"], tmp_path, []) == ["f_keypoints.png"]  # an earlier drawing is
