"""Where annotated pictures go: never onto a picture, nor two into one place."""

import os
import pathlib

from pictures import annotated_files


def names(pictures, folder, inputs=()):
    return [path.name for path in annotated_files(map(pathlib.Path, pictures), folder, inputs)]


def test_an_annotated_picture_is_called_after_its_picture(tmp_path):
    files = annotated_files([pathlib.Path("d/f.jpg")], tmp_path, [])
    assert files == [tmp_path / "f_keypoints.jpg"]
    assert names(["f.png", "g.HEIC", "h.gif"], tmp_path) == [
        "f_keypoints.png",
        "g_keypoints.jpg",
        "h_keypoints.png",
    ]


def test_pictures_of_one_stem_get_numbers(tmp_path):
    assert names(["a/f.png", "b/f.bmp", "c/F.png", "f-2.png"], tmp_path) == [
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
    assert names(["f.png"], tmp_path, []) == ["f_keypoints.png"]  # an earlier copy is
