"""Where annotated pictures go: never onto a picture, nor two into one place."""

import os
import pathlib
import time

import atomic_write
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


def test_a_long_name_is_shortened_to_what_file_systems_take(tmp_path):
    long = "ж" * 118  # 236 bytes
    first, second = annotated_files(
        [pathlib.Path("a", f"{long}.png"), pathlib.Path("b", f"{long}.png")], tmp_path, []
    )
    assert first != second
    for file in (first, second):
        atomic_write.write_bytes(file, b"a picture")


def test_many_pictures_of_one_name_are_numbered_in_no_time(tmp_path):
    start = time.process_time()
    found = names([f"{number}/face.jpg" for number in range(5000)], tmp_path)
    assert found[-1] == "face-5000_keypoints.jpg"
    assert time.process_time() - start < 3  # 5.7 s if each begins to count at 1


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
