"""Videos: frames in, followed faces out, as a table and as an annotated video."""

import contextlib
import csv
import os
import pathlib
import re
import signal
import subprocess
import sys
import types
from unittest import mock

import numpy as np
import pytest
from PIL import Image

import data_pipeline
import keypoint_schema
import pictures
import predict
from errors import UserError
from pictures import moving
from pictures.detection import DetectedFace
from pictures.tracking import FaceTracker, box_around
from pictures.video import Video, video_writer
from tests import ROOT
from tests.running import run_script
from trained_nets.loading import load_net

cv2 = pytest.importorskip("cv2", reason="the extra `video` is not installed")

SIZE = (320, 240)
SIDE, SPEED = 120, 4  # px; px a frame


class Pasted:
    """Finds the one face that `clip` pastes into each frame; counts how often it is asked."""

    asked = 0

    def __init__(self, min_confidence=None):
        pass

    def find(self, picture):
        type(self).asked += 1
        columns = np.flatnonzero(np.asarray(picture.convert("L")).std(0) > 20)
        if not len(columns):
            return []
        return [DetectedFace(pictures.Box(float(columns[0]), 60, SIDE, SIDE), 0.9)]


@pytest.fixture
def clip(tmp_path, real_faces):
    """A real face that moves to the right over an even ground, 20 frames of 4 px."""
    face = Image.fromarray(data_pipeline.load_faces(real_faces).images[0, :, :, 0])
    face = face.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    path = tmp_path / "clip.mp4"
    with video_writer(path, SIZE, 10.0) as write:
        for number in range(20):
            frame = Image.new("RGB", SIZE, (128, 128, 128))
            frame.paste(face, (20 + SPEED * number, 60))
            write(frame)
    return path


def test_frames_come_back_as_they_were_written(clip):
    video = Video(clip)
    frames = list(video)
    assert (video.size, len(frames), video.count) == (SIZE, 20, 20)
    assert video.frames_per_second == pytest.approx(10)
    assert np.abs(np.asarray(frames[0])[0, 0].astype(int) - 128).max() < 6


def test_the_square_around_a_training_face_is_its_frame(real_faces):
    data = data_pipeline.load_faces(real_faces)
    points = data.select(data.names).keypoints
    boxes = np.array([[box.left, box.top, box.width] for box in map(box_around, points)])
    np.testing.assert_allclose(np.median(boxes, axis=0), [0, 0, 96], atol=1.5)


def test_the_square_around_a_face_by_hand():
    # Points on a circle of 20 px, whose centre is half a pixel further from the picture's corner.
    angles = np.arange(15) * 2 * np.pi / 15
    points = np.stack([100 + 20 * np.cos(angles), 80 + 20 * np.sin(angles)], axis=1)
    side = 3.81 * 20
    box = box_around(points)
    assert (box.width, box.height) == pytest.approx((side, side))
    centre = box.left + side / 2, box.top + side / 2
    assert centre == pytest.approx((100.5 + 0.003 * side, 80.5 + 0.029 * side))


def test_a_face_is_followed_between_detections(clip, monkeypatch):
    monkeypatch.setattr(Pasted, "asked", 0)
    net = load_net("preset:heatmap_s")
    track = FaceTracker(net, Pasted())
    lefts = [[face.box.left for face in track(frame)] for frame in Video(clip)]
    assert Pasted.asked == 2  # of 20 frames
    assert all(len(each) == 1 for each in lefts)
    travelled = lefts[14][0] - lefts[2][0]  # from the first frame that was followed on
    assert travelled == pytest.approx(12 * SPEED, abs=8)


def steady_net(growth=1.0):
    """Answers so that the square around a face is the crop again, that many times as large."""
    angles = np.arange(15) * 2 * np.pi / 15
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    box = box_around(circle)
    centre = np.array([box.left, box.top]) + box.width / 2
    points = (circle + 0.5 - centre) * (96 * growth / box.width) + 47.5
    return types.SimpleNamespace(
        names=keypoint_schema.NAMES, predict=lambda images: np.tile(points, (len(images), 1, 1))
    )


class Always:
    """Finds faces at the same places whenever it is asked."""

    def __init__(self, *lefts):
        self.lefts, self.asked = lefts, 0

    def find(self, picture):
        self.asked += 1
        return [DetectedFace(pictures.Box(left, 60, 96, 96), 0.9) for left in self.lefts]


def followed(track, frames):
    """The number of faces in each of some even frames."""
    frame = Image.new("L", SIZE, 128)
    return [len(track(frame)) for _ in range(frames)]


def test_new_faces_are_looked_for_every_fifteen_frames():
    detector = Always(60)
    assert followed(FaceTracker(steady_net(), detector), 31) == [1] * 31
    assert detector.asked == 3


@pytest.mark.parametrize(("apart", "faces"), [(30, 1), (34, 2)])  # squares share half at 32 px
def test_a_face_that_is_followed_twice_is_one(apart, faces):
    assert followed(FaceTracker(steady_net(), Always(60, 60 + apart)), 3) == [2, faces, faces]


@pytest.mark.parametrize(
    ("growth", "asked"), [(1.3, 3), (1.2, 1), (1.0, 1), (1 / 1.2, 1), (1 / 1.3, 3)]
)
def test_what_changes_its_size_at_once_is_given_up(growth, asked):
    detector = Always(110)
    assert followed(FaceTracker(steady_net(growth), detector), 3) == [1, 1, 1]
    assert detector.asked == asked


def test_a_face_that_leaves_is_given_up():
    class Steady:
        names = data_pipeline.FaceData(np.zeros((0,)), np.zeros((0, 15, 2)), np.zeros(0)).names

        def predict(self, images):
            return np.tile(
                np.random.default_rng(1).normal(140, 25, (1, 15, 2)), (len(images), 1, 1)
            )

    class Once:
        asked = 0

        def find(self, picture):
            self.asked += 1
            return [DetectedFace(pictures.Box(80, 80, 96, 96), 0.9)][: 2 - self.asked]

    detector = Once()
    track = FaceTracker(Steady(), detector)
    black = Image.new("L", (200, 200))
    assert [len(track(black)) for _ in range(3)] == [1, 0, 0]
    assert detector.asked == 3  # whenever there is nobody to follow


def test_predict_annotates_a_video_and_writes_its_table(clip, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "FaceDetector", Pasted)
    out, drawn = tmp_path / "found.csv", tmp_path / "new" / "drawn.mp4"
    options = ("--preset", "heatmap_s", clip, "--detect", "--out", out, "--draw", drawn)
    assert run_script(predict, *options) == 0
    assert "Drew 20 frames into" in (printed := capsys.readouterr().out)
    assert "frames/s" in printed
    rows = list(csv.DictReader(out.open()))
    assert len(rows) == 20 * 15
    assert rows[-1]["picture"] == f"{clip}#000019"
    frames = list(Video(drawn))
    assert len(frames) == 20
    noses = [row for row in rows if row["keypoint"] == "nose_tip"]
    at = round(float(noses[5]["x"])), round(float(noses[5]["y"]))
    assert min(frames[5].getpixel(at)) > 200  # the white dot of the nose


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "Add --detect"),
        (("other.mp4", "--detect"), "A video is taken alone"),
        (("--detect", "--draw", "folder"), "must end with .mp4"),
        (("--detect", "--draw", "drawn.webm"), "must end with .mp4. Received: drawn.webm."),
    ],
)
def test_mistakes_are_told(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "FaceDetector", Pasted)
    for name in ("clip.mp4", "other.mp4"):
        (tmp_path / name).write_bytes(b"no video")
    paths = [tmp_path / each if each.startswith("other") else each for each in options]
    assert run_script(predict, "--preset", "heatmap_s", tmp_path / "clip.mp4", *paths) == 2
    assert message in capsys.readouterr().err


def test_a_video_that_cannot_be_written_is_told_by_the_name_it_should_have(tmp_path):
    with (
        pytest.raises(UserError, match="/drawn.webm cannot be written as a video"),
        video_writer(tmp_path / "drawn.webm", SIZE, 10.0),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rate", "kept"),
    [(29.97, 29.97), (59.941, 59.941), (66.667, 66.67), (118.733, 118.73), (700.123, 700.0)],
)
def test_averaged_frame_rates_are_rounded_to_what_mpeg_4_can_hold(rate, kept, tmp_path):
    with video_writer(tmp_path / "drawn.mp4", SIZE, rate) as write:
        write(Image.new("RGB", SIZE))
    assert Video(tmp_path / "drawn.mp4").frames_per_second == pytest.approx(kept, abs=1e-6)


def test_opencv_adds_nothing_to_our_messages_even_if_it_was_imported_before(tmp_path):
    script = (
        "import pathlib, sys\nimport cv2  # as mtcnn does\nfrom errors import UserError\n"
        "from pictures.video import Video, video_writer\npath = pathlib.Path(sys.argv[1])\n"
        "(path / 'clip.mp4').write_bytes(b'no video')\n"
        "for use in (lambda: Video(path / 'clip.mp4'),\n"
        "            video_writer(path / 'a.mp4', (320, 240), 1e5).__enter__):\n"
        "    try:\n        use()\n    except UserError as error:\n        print(error)\n"
    )
    command = [sys.executable, "-c", script, tmp_path]
    environment = {key: value for key, value in os.environ.items() if "OPENCV" not in key}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.stdout.count("\n"), done.stderr) == (2, "")


def test_ctrl_c_before_the_first_frame_is_no_damaged_video(clip, tmp_path, monkeypatch, capsys):
    class Interrupted(Pasted):
        def find(self, picture):
            raise KeyboardInterrupt

    monkeypatch.setattr(pictures, "FaceDetector", Interrupted)
    out = tmp_path / "found.csv"
    options = ("--preset", "heatmap_s", clip, "--detect", "--out", out)
    assert run_script(predict, *options) == 130
    assert capsys.readouterr().err == "predict.py: interrupted\n"
    assert not out.exists()


def test_ctrl_c_after_a_frame_was_drawn_keeps_the_video(tmp_path, monkeypatch):
    class Interrupted:
        def __init__(self, *form, opened=cv2.VideoWriter):
            self._writer = opened(*form)
            self.isOpened, self.release = self._writer.isOpened, self._writer.release

        def write(self, frame):
            self._writer.write(frame)
            raise KeyboardInterrupt

    monkeypatch.setattr(cv2, "VideoWriter", Interrupted)
    path = tmp_path / "drawn.mp4"
    with video_writer(path, SIZE, 10.0) as write, contextlib.suppress(KeyboardInterrupt):
        write(Image.new("RGB", SIZE))
    assert Video(path).count == 1


@pytest.mark.parametrize("by_a_link", [False, True])
def test_a_video_is_not_replaced_by_its_drawing(clip, tmp_path, monkeypatch, capsys, by_a_link):
    monkeypatch.setattr(pictures, "FaceDetector", Pasted)
    drawn, before = clip, clip.read_bytes()
    if by_a_link:
        drawn = tmp_path / "link.mp4"
        drawn.symlink_to(clip)
    assert run_script(predict, "--preset", "heatmap_s", clip, "--detect", "--draw", drawn) == 2
    assert f"--draw would replace {clip} itself" in capsys.readouterr().err
    assert clip.read_bytes() == before


def test_a_video_that_does_not_fit_on_the_disk_leaves_the_earlier_one(tmp_path):
    resource = pytest.importorskip("resource")
    path = tmp_path / "drawn.mp4"
    path.write_bytes(b"an earlier video")
    noise = np.random.default_rng(0).integers(0, 256, (30, *SIZE[::-1], 3), np.uint8)

    def write_noise():
        with video_writer(path, SIZE, 10.0) as write:
            for frame in noise:
                write(Image.fromarray(frame))

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        with pytest.raises(UserError, match="drawn.mp4 cannot be written"):
            write_noise()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == b"an earlier video"
    assert list(tmp_path.iterdir()) == [path]


def test_a_net_of_some_keypoints_does_not_follow_faces(clip, monkeypatch):
    monkeypatch.setattr(Pasted, "asked", 0)
    whole = load_net("preset:heatmap_s")
    eyes = types.SimpleNamespace(
        names=whole.names[:4], predict=lambda images: whole.predict(images)[:, :4]
    )
    track = FaceTracker(eyes, Pasted())
    for frame in Video(clip):
        track(frame)
    assert Pasted.asked == 20  # in every frame


def test_a_colon_in_its_name_is_no_protocol(clip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    clip.rename("2024-01-01T12:30:45.mp4")
    assert Video(pathlib.Path("2024-01-01T12:30:45.mp4")).count == 20
    with video_writer(pathlib.Path("at 12:31.mp4"), SIZE, 10.0) as write:
        write(Image.new("RGB", SIZE))
    assert Video(pathlib.Path("at 12:31.mp4")).count == 1


def test_a_name_that_is_not_utf_8_is_told(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    for use in (lambda: Video(path), video_writer(path, SIZE, 10.0).__enter__):
        with pytest.raises(UserError, match="must be UTF-8"):
            use()


def test_a_damaged_video_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "FaceDetector", Pasted)
    (tmp_path / "clip.mp4").write_bytes(b"no video")
    assert run_script(predict, "--preset", "heatmap_s", tmp_path / "clip.mp4", "--detect") == 2
    assert "clip.mp4 cannot be opened as a video" in capsys.readouterr().err


@pytest.mark.parametrize(("kept", "status"), [(1.0, 0), (0.6, 1)])
def test_a_video_that_is_cut_off_is_told(tmp_path, monkeypatch, capfd, kept, status):
    monkeypatch.setattr(pictures, "FaceDetector", Pasted)
    path, out = tmp_path / "clip.avi", tmp_path / "found.csv"
    frame = np.full((*SIZE[::-1], 3), 128, np.uint8)
    frame[60 : 60 + SIDE, 20 : 20 + SIDE] = np.random.default_rng(0).integers(
        0, 256, (SIDE, SIDE, 1)
    )
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, SIZE)
    for _ in range(40):
        writer.write(frame)
    writer.release()
    content = path.read_bytes()
    path.write_bytes(content[: round(kept * len(content))])
    options = ("--preset", "heatmap_s", path, "--detect", "--out", out)
    assert run_script(predict, *options) == status
    told = re.findall(
        r"clip.avi is damaged or cut off: (\d+) of about 40 frames", capfd.readouterr().err
    )
    frames = {row["picture"] for row in csv.DictReader(out.open())}
    assert told == ([str(len(frames))] if status else [])
    assert len(frames) == 40 or kept < 1


@pytest.mark.parametrize(
    ("read", "count", "expected"),
    [
        (100, 100, False),
        (95, 100, False),
        (94, 100, True),
        (8, 10, False),
        (7, 10, True),
        (9, 0, False),
    ],
)
def test_the_recorded_number_of_frames_may_be_a_guess(read, count, expected):
    assert moving._is_cut(read, count) is expected


def test_the_webcams_picture_is_mirrored_only_for_the_eye(monkeypatch):
    """Else the net would take the person's left eye for the right one."""
    frame = Image.new("RGB", SIZE)
    frame.paste("red", (0, 0, SIZE[0] // 2, SIZE[1]))
    seen, shown = [], []

    class Window:
        def show(self, picture, title):
            shown.append(picture)
            return True

    class Webcam:
        def __init__(self, path):
            assert path is None

        def __iter__(self):
            return iter([frame])

        def close(self):
            pass

    class Tracker:
        def __init__(self, net, detector):
            pass

        def __call__(self, picture):
            seen.append(picture)
            points = np.array([[10.0, 20.0]])
            return [pictures.Face(pictures.Box(0, 0, *SIZE), ("left_eye_center",), points)]

    for name, stand_in in (("_Window", Window), ("Video", Webcam), ("FaceTracker", Tracker)):
        monkeypatch.setattr(moving, name, stand_in)
    assert pictures.show_webcam(pictures.Finder(None, None)) == 0
    assert seen == [frame]
    scale = shown[0].width // SIZE[0]
    assert shown[0].getpixel((0, 0)) == (0, 0, 0)
    assert shown[0].getpixel((shown[0].width - 1, 0)) == (255, 0, 0)
    assert shown[0].getpixel((shown[0].width - 1 - 10 * scale, 20 * scale)) == (230, 159, 0)


@pytest.mark.parametrize(("missing", "told"), [(True, "needs Tk"), (False, "needs a screen")])
def test_without_tk_or_a_screen_the_webcam_says_so(missing, told, monkeypatch):
    tk = types.ModuleType("tkinter")
    tk.TclError = type("TclError", (Exception,), {})
    tk.Tk = mock.Mock(side_effect=tk.TclError("no display name"))
    monkeypatch.setitem(sys.modules, "PIL.ImageTk", types.ModuleType("ImageTk"))
    monkeypatch.setitem(sys.modules, "tkinter", None if missing else tk)
    with pytest.raises(UserError, match=f"--webcam {told}"):
        moving._Window()


def test_without_a_webcam_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(pictures, "FaceDetector", Pasted)
    assert run_script(predict, "--preset", "heatmap_s", "--webcam") == 2
    assert "The webcam cannot be opened" in capsys.readouterr().err
