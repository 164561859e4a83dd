"""Pictures of every kind, and coordinates there and back."""

import contextlib
import dataclasses
import io
import queue
import signal
import struct
import threading
import warnings

import numpy as np
import pytest
from PIL import ExifTags, Image

import keypoint_schema
import pictures
from errors import UserError
from pictures import annotation, reading, records
from pictures.detection import DetectedFace
from tests import export_stand_in


def gradient(width, height):
    """A gray picture whose value tells its column."""
    values = np.broadcast_to(np.linspace(0, 255, width), (height, width))
    return Image.fromarray(np.round(values).astype(np.uint8))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"])
def test_any_mode_reads_as_gray_or_colour(tmp_path, mode):
    # Before version 13, Pillow cannot read the TIFF files that it writes in this mode.
    file = tmp_path / ("picture.jpg" if mode == "YCbCr" else "picture.tif")
    picture = gradient(40, 30).convert(mode)
    if mode == "I":
        picture = Image.fromarray(np.asarray(gradient(40, 30), np.int32) * 257)
    picture.save(file)
    read = pictures.read_picture(file)
    assert read.mode in ("L", "RGB")
    gray = reading.to_gray(read).astype(int)
    assert gray.shape == (30, 40)
    assert gray[:, -5:].mean() - gray[:, :5].mean() > 180


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    values = np.linspace(0, 65535, 50).astype(np.uint16)[None].repeat(4, 0)
    Image.fromarray(values).save(tmp_path / "deep.png")
    gray = reading.to_gray(pictures.read_picture(tmp_path / "deep.png"))
    np.testing.assert_allclose(gray, values / 257, atol=0.51)


def test_transparent_places_are_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert reading.to_gray(pictures.read_picture(tmp_path / "clear.png")).min() == 255


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_photographs_come_upright(tmp_path, orientation):
    upright = np.zeros((60, 40), np.uint8)
    upright[:20, :15] = 255  # bright at the top left
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: np.rot90(upright), 7: np.rot90(upright, 2).T, 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = tmp_path / "turned.jpg"
    Image.fromarray(np.ascontiguousarray(stored)).save(file, quality=95, exif=exif)
    read = reading.to_gray(pictures.read_picture(file)).astype(int)
    assert np.abs(read - upright).mean() < 3
    as_stored = reading.to_gray(pictures.read_picture(file, upright=False)).astype(int)
    assert np.abs(as_stored - stored).mean() < 3


def test_an_odd_exif_tag_does_not_matter(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Software] = "72 dpi"
    # A resolution in letters, which EXIF cannot hold: Pillow reads it, but does not write it.
    odd = (
        exif.tobytes()
        .replace(
            struct.pack(">HH", ExifTags.Base.Software, 2),
            struct.pack(">HH", ExifTags.Base.XResolution, 2),
        )
        .replace(
            struct.pack("<HH", ExifTags.Base.Software, 2),
            struct.pack("<HH", ExifTags.Base.XResolution, 2),
        )
    )
    assert odd != exif.tobytes()
    file = tmp_path / "odd.jpg"
    gradient(40, 30).save(file, exif=odd)
    assert pictures.read_picture(file).size == (30, 40)


@pytest.mark.parametrize("content", [b"", b"no picture", None])
def test_damaged_files_are_told(tmp_path, content):
    file = tmp_path / "bad.png"
    if content is None:
        whole = io.BytesIO()
        export_stand_in.colour_picture(64, 64).save(whole, "PNG")
        content = whole.getvalue()[: len(whole.getvalue()) // 2]
    file.write_bytes(content)
    with pytest.raises(pictures.UnreadablePictureError, match=r"bad\.png cannot be read"):
        pictures.read_picture(file)


def test_a_picture_made_to_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("pictures.reading.MAX_PIXELS", 1000)
    gradient(40, 30).save(tmp_path / "large.png")
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(pictures.UnreadablePictureError, match="exceeds limit"):
        pictures.read_picture(tmp_path / "large.png")
    assert before == Image.MAX_IMAGE_PIXELS


def test_readers_in_threads_leave_pillows_limit_and_the_warnings_as_they_were(
    tmp_path, monkeypatch
):
    opened, inside, may_go_on = reading._opened, queue.Queue(), {}

    def wait_inside(path):
        inside.put(path)
        may_go_on[path].wait(60)
        return opened(path)

    monkeypatch.setattr(reading, "_opened", wait_inside)
    before = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    threads = {}
    for path in (tmp_path / "first.png", tmp_path / "second.png"):
        gradient(40, 30).save(path)
        may_go_on[path] = threading.Event()
        threads[path] = threading.Thread(target=pictures.read_picture, args=(path,))
        threads[path].start()
        assert inside.get(timeout=60) == path
    for path, thread in threads.items():
        assert Image.MAX_IMAGE_PIXELS == reading.MAX_PIXELS // 2
        may_go_on[path].set()
        thread.join()
    assert (Image.MAX_IMAGE_PIXELS, list(warnings.filters)) == before


def test_files_and_folders_are_found(tmp_path):
    for name in ("b.JPG", "a.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    named = tmp_path / "notes.txt"
    found = pictures.find_pictures([named, tmp_path])
    assert [path.name for path in found] == ["notes.txt", "a.png", "b.JPG"]
    with pytest.raises(UserError, match="no pictures"):
        pictures.find_pictures([tmp_path / "empty"])
    with pytest.raises(UserError, match="There is no"):
        pictures.find_pictures([tmp_path / "absent.png"])


def test_a_face_crop_of_the_right_size_stays_as_it_is():
    face = export_stand_in.faces(1)[0]
    np.testing.assert_array_equal(pictures.crop(face[..., 0], pictures.Box(0, 0, 96, 96)), face)
    wide = np.pad(face[..., 0], 40, mode="edge")
    np.testing.assert_array_equal(pictures.crop(wide, pictures.Box(40, 40, 96, 96)), face)


@pytest.mark.parametrize("shape", [(1, 1), (2, 5), (37, 61), (96, 96), (700, 500), (3000, 4000)])
def test_any_size_becomes_a_face(shape):
    picture = gradient(shape[1], shape[0])
    face = pictures.crop(np.asarray(picture), pictures.Box(0, 0, *picture.size))
    assert face.shape == (96, 96, 1)
    assert face.dtype == np.uint8


@pytest.mark.parametrize("scale", [1, 3, 0.5, 2.25])
def test_a_bright_spot_is_found_again_at_its_place(scale):
    """Half a pixel wrong in the mapping would be 0.5 · (scale − 1) px off in the photograph."""
    side = 96 * scale
    box = pictures.Box(31.5, 12.25, side, side)
    x, y = 31.5 + 0.4 * side, 12.25 + 0.7 * side
    columns, rows = np.arange(420), np.arange(360)
    width = 3 * max(scale, 1)
    spot = np.exp(-((columns - x) ** 2 + (rows[:, None] - y) ** 2) / (2 * width**2))
    face = pictures.crop(np.round(255 * spot).astype(np.uint8), box)[..., 0].astype(float)
    weights = np.where(face > 20, face, 0)
    index = np.arange(96)
    centre = np.array([(weights.sum(0) * index).sum(), (weights.sum(1) * index).sum()])
    found = pictures.to_photograph(centre[None] / weights.sum(), box)[0]
    np.testing.assert_allclose(found, [x, y], atol=0.15 * max(scale, 1))


def test_corners_of_the_crop_are_corners_of_the_box():
    box = pictures.Box(10, 20, 192, 48)
    corners = np.array([[-0.5, -0.5], [95.5, 95.5], [47.5, 47.5]])
    expected = [[9.5, 19.5], [201.5, 67.5], [105.5, 43.5]]
    np.testing.assert_allclose(pictures.to_photograph(corners, box), expected)


def test_a_box_over_the_border_repeats_the_border():
    gray = np.full((50, 50), 9, np.uint8)
    gray[:, -1] = 200
    face = pictures.crop(gray, pictures.Box(25, 0, 50, 50))[..., 0]
    assert (face[:, 55:] == 200).all()
    assert (face[:, :40] == 9).all()


def test_pixels_beside_the_box_count_where_the_filter_reaches_over_it():
    noise = np.random.default_rng(0).integers(0, 256, (240, 240)).astype(np.uint8)
    wider = Image.fromarray(noise).resize(
        (100, 100), Image.Resampling.BILINEAR, box=(16, 16, 216, 216)
    )
    face = pictures.crop(noise, pictures.Box(20, 20, 192, 192))[..., 0]
    np.testing.assert_array_equal(face, np.asarray(wider)[2:-2, 2:-2])


def test_records_name_every_keypoint(tmp_path):
    names = ("nose_tip", "left_eye_center")
    points = np.array([[1.234, 5], [6, 7]])
    face = pictures.Face(pictures.Box(1, 2, 30, 30), names, points, 0.99)
    found = pictures.PictureFaces(tmp_path / "a.png", (80, 60), [face, face])
    record = pictures.json_record(found)
    assert record["width"] == 80
    assert record["faces"][1]["keypoints"] == {"nose_tip": [1.23, 5], "left_eye_center": [6, 7]}
    assert record["faces"][0]["confidence"] == 0.99
    rows = records.csv_rows(found)
    assert len(rows) == 4
    last = dict(zip(records.CSV_COLUMNS, rows[3], strict=True))
    assert (last["face"], last["keypoint"], last["y"]) == ("1", "left_eye_center", "7.00")
    assert (last["confidence"], last["top"], last["height"]) == ("0.9900", "2.00", "30.00")


def test_a_picture_without_faces_has_one_row(tmp_path):
    found = pictures.PictureFaces(tmp_path / "b.png", (8, 6), [])
    assert pictures.json_record(found)["faces"] == []
    assert records.csv_rows(found) == [[str(tmp_path / "b.png"), *[""] * 11]]


def test_records_tell_how_uncertain_a_net_is_if_it_does(tmp_path):
    names, points = ("nose_tip", "left_eye_center"), np.array([[1.0, 5], [6, 7]])
    sure = pictures.Face(pictures.Box(1, 2, 30, 30), names, points)
    unsure = dataclasses.replace(sure, uncertainty=np.array([0.123, 4]))
    found = pictures.PictureFaces(tmp_path / "a.png", (80, 60), [sure, unsure])
    first, second = pictures.json_record(found)["faces"]
    assert "uncertainty" not in first
    assert second["uncertainty"] == {"nose_tip": 0.12, "left_eye_center": 4.0}
    column = records.CSV_COLUMNS.index("uncertainty")
    assert [row[column] for row in records.csv_rows(found)] == ["", "", "0.12", "4.00"]


def test_the_uncertainty_is_in_px_of_the_photograph():
    class Net:
        names = ("nose_tip",)

        def predict(self, images):
            return np.full((len(images), 1, 3), 2.0, np.float32)

    class Detector:
        def find(self, picture):
            return [DetectedFace(pictures.Box(10, 10, 96, 384), 0.9)]

    (face,) = pictures.find_faces(Image.new("L", (300, 300)), Net(), Detector())
    assert face.uncertainty_by_name == {"nose_tip": 4.0}
    assert face.keypoints["nose_tip"] == (12, 19.5)


def test_left_and_right_keypoints_are_marked_in_their_colours():
    names = keypoint_schema.NAMES[:2]
    points = np.array([[70.0, 40.0], [30.0, 40.0]])
    face = pictures.Face(pictures.Box(0, 0, 600, 600), names, points)
    annotated = annotation.annotated(gradient(600, 600), [face])
    assert annotated.getpixel((70, 40)) == (230, 159, 0)
    assert annotated.getpixel((30, 40)) == (86, 180, 233)
    small = annotation.annotated(gradient(50, 40), [])
    assert small.size == (500, 400)


def test_a_ring_shows_how_uncertain_a_keypoint_is():
    face = pictures.Face(
        *(pictures.Box(0, 0, 600, 600), ["nose_tip"], np.array([[300.0, 300.0]])),
        uncertainty=np.array([50.0]),
    )
    annotated = annotation.annotated(Image.new("L", (600, 600)), [face])
    row = np.asarray(annotated)[300, :, 0]
    inner, outer = np.nonzero(row[310:])[0][[0, -1]] + 310
    assert 345 <= inner <= outer <= 351


def test_marks_can_be_seen_in_a_large_photograph():
    black = Image.new("L", (4200, 3000))
    face = pictures.Face(pictures.Box(0, 0, 90, 90), ["nose_tip"], np.array([[45.0, 45.0]]))
    annotated = np.asarray(annotation.annotated(black, [face]))
    marked = (annotated[30:60, 30:60].max(-1) == 255).sum(0)
    assert marked.max() >= 2 * 4200 // 700 - 1  # across: twice the long side / 700


def test_a_mark_lies_around_its_keypoint():
    face = pictures.Face(pictures.Box(0, 0, 160, 160), ["nose_tip"], np.array([[40.0, 120.0]]))
    black = Image.new("L", (160, 160))
    enlarged = np.asarray(annotation.annotated(black, [face]))
    rows, columns = np.nonzero(enlarged[..., 0])
    assert rows.mean() == pytest.approx(120.5 * 3 - 0.5, abs=0.6)
    assert columns.mean() == pytest.approx(40.5 * 3 - 0.5, abs=0.6)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((200, 300), (600, 900)), ((200, 40_000), (200, 40_000)), ((2, 3000), (2, 3000))],
)
def test_a_narrow_strip_is_not_enlarged_beyond_measure(size, expected):
    assert annotation.annotated(Image.new("L", size), []).size == expected


def test_a_drawing_that_its_format_cannot_hold_is_told_by_its_name(tmp_path):
    with pytest.raises(UserError, match=r"d\.jpg cannot be written"):
        pictures.write_annotated(tmp_path / "d.jpg", Image.new("L", (2, 70_000)), [])
    assert list(tmp_path.iterdir()) == []


def test_only_a_part_of_a_photograph_gets_a_box():
    black = Image.new("L", (500, 500))
    for box, marked in ((pictures.Box(0, 0, 300, 300), 255), (pictures.Box(0, 0, 500, 500), 0)):
        face = pictures.Face(box, ["nose_tip"], np.array([[250.0, 250.0]]))
        annotated = annotation.annotated(black, [face])
        assert annotated.getpixel((0, 150)) == (marked,) * 3


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="This system has no timers.")
def test_ctrl_c_never_cuts_off_a_picture_amid_its_rows(tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    points = np.arange(30.0).reshape(15, 2)
    face = pictures.Face(pictures.Box(0, 0, 96, 96), keypoint_schema.NAMES, points)
    found = pictures.PictureFaces(tmp_path / "a.png", (96, 96), [face])
    outputs = pictures.Outputs(tmp_path / "found.csv")
    usual = signal.signal(signal.SIGALRM, interrupt)
    try:
        for milliseconds in range(1, 41):
            with outputs.opened() as writer:
                signal.setitimer(signal.ITIMER_REAL, milliseconds / 1000)
                with contextlib.suppress(KeyboardInterrupt):
                    while True:
                        writer.write(found)
            lines = outputs.file.read_text().splitlines()
            assert 0 <= len(lines) - 1 - 15 * writer.tally.pictures <= 15
            assert len(lines) % 15 == 1
    finally:
        signal.signal(signal.SIGALRM, usual)
