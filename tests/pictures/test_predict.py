"""predict.py, end to end: submissions, face crops, whole photographs, bad pictures."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import data_pipeline
import keypoint_schema
import pictures
import predict
from pictures import cascade, framing
from pictures.detection import DetectedFace
from pictures.reading import to_gray
from tests import ROOT, run_fixtures, small_data
from tests.pictures import stand_in_finder
from tests.running import run_script
from trained_nets.loading import load_net
from trained_nets.uncertainty import to_answer


@pytest.fixture(scope="module")
def run_path(small_folder, tmp_path_factory):
    """A net whose answer moves with the brightness of the face, so that faces can't be mixed up."""
    data = data_pipeline.load_faces(small_folder)
    path = tmp_path_factory.mktemp("runs") / "net"
    return run_fixtures.write_run(path, data, brightness=1.0)


@pytest.fixture
def folder(tmp_path):
    """Three pictures: a face of the nets' size, a large coloured one, a bad one."""
    images, _ = small_data.faces()
    folder = tmp_path / "faces"
    folder.mkdir()
    Image.fromarray(images[0, :, :, 0]).save(folder / "a.png")
    Image.fromarray(images[1, :, :, 0]).convert("RGB").resize((288, 288)).save(folder / "b.png")
    (folder / "c.jpg").write_bytes(b"not a picture")
    return folder


def test_the_place_for_a_submission_is_tried_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data_pipeline, "load_test", lambda path: pytest.fail("worked first"))
    assert run_script(predict, "preset:heatmap_s", "--submission", tmp_path) == 2
    assert "is a folder. Name a file in it" in capsys.readouterr().err


def test_submission_answers_the_lookup_table(run_path, small_folder, tmp_path, capsys):
    file = tmp_path / "out" / "submission.csv"
    options = ["--data", small_folder, "--submission", file]
    assert run_script(predict, run_path, *options) == 0
    table = pd.read_csv(file)
    lookup = pd.read_csv(small_folder / "IdLookupTable.csv")
    assert table["RowId"].tolist() == lookup["RowId"].tolist()
    images, _ = data_pipeline.load_test(small_folder)
    predicted = load_net(run_path).predict(images).reshape(len(images), 30)
    columns = keypoint_schema.column_names()
    expected = [
        predicted[image - 1, columns.index(name)]
        for image, name in zip(lookup["ImageId"], lookup["FeatureName"], strict=True)
    ]
    np.testing.assert_allclose(table["Location"], np.clip(expected, 0, 96), atol=1e-3)
    assert f"{len(lookup)} locations" in capsys.readouterr().out


def test_pictures_are_predicted_in_their_own_pixels(run_path, folder, tmp_path, capsys):
    out = tmp_path / "found.json"
    options = ["--out", out, "--draw", tmp_path / "annotated"]
    assert run_script(predict, run_path, folder, *options) == 1
    assert "skipped" in (error := capsys.readouterr().err)
    assert "c.jpg" in error
    assert error.endswith(": 1 of 3 pictures could not be read\n")
    small, large, bad = json.loads(out.read_text())
    assert "c.jpg cannot be read as a picture" in bad.pop("error")
    assert bad == {"picture": str(folder / "c.jpg"), "width": None, "height": None, "faces": []}
    assert (large["width"], large["height"]) == (288, 288)
    images, _ = small_data.faces()
    predicted = load_net(run_path).predict(images[:1])[0]
    for name, point in zip(keypoint_schema.NAMES, predicted, strict=True):
        np.testing.assert_allclose(small["faces"][0]["keypoints"][name], point, atol=0.01)
    reread = pictures.crop(
        to_gray(pictures.read_picture(folder / "b.png")), pictures.Box(0, 0, 288, 288)
    )
    expected = (load_net(run_path).predict(reread[None])[0] + 0.5) * 3 - 0.5
    np.testing.assert_allclose(list(large["faces"][0]["keypoints"].values()), expected, atol=0.01)
    annotated = sorted(path.name for path in (tmp_path / "annotated").iterdir())
    assert annotated == ["a_keypoints.png", "b_keypoints.png"]
    assert Image.open(tmp_path / "annotated" / "a_keypoints.png").size == (480, 480)


def test_csv_is_printed_when_no_file_is_named(run_path, folder, capsys):
    assert run_script(predict, run_path, folder / "a.png") == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["keypoint"] for row in rows] == list(keypoint_schema.NAMES)


def test_pictures_of_one_name_are_all_annotated(run_path, folder, tmp_path):
    other = tmp_path / "a.png"
    other.write_bytes((folder / "b.png").read_bytes())
    pictures = [folder / "a.png", other]
    assert run_script(predict, run_path, *pictures, "--draw", tmp_path / "annotated") == 0
    annotated = {path.name for path in (tmp_path / "annotated").iterdir()}
    assert annotated == {"a_keypoints.png", "a-2_keypoints.png"}


def test_pictures_may_be_annotated_in_their_own_folder(run_path, folder, capsys):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert run_script(predict, run_path, folder, "--draw", folder) == 1  # one is bad
    assert "Drew 2 pictures" in capsys.readouterr().out
    # Again, with the annotated copies among the pictures.
    before |= {path: path.read_bytes() for path in folder.iterdir()}
    assert len(before) == 5
    assert run_script(predict, run_path, folder, "--draw", folder) == 1  # one is bad
    assert {path: path.read_bytes() for path in before} == before


def test_one_picture_is_one(run_path, folder, tmp_path, capsys):
    out = tmp_path / "found.csv"
    options = ["--out", out, "--draw", tmp_path]
    assert run_script(predict, run_path, folder / "a.png", *options) == 0
    printed = capsys.readouterr().out
    assert printed == f"Wrote {out}: 1 face.\nDrew 1 picture into {tmp_path}.\n"


def test_one_bad_picture_is_told_in_one_line_and_listed_with_its_reason(
    run_path, folder, tmp_path, capsys
):
    out = tmp_path / "found.csv"
    options = ["--out", out, "--draw", tmp_path / "annotated"]
    assert run_script(predict, run_path, folder / "c.jpg", *options) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith(f"Wrote {out}: 0 faces.\nDrew 0 pictures")
    assert printed.err.count("\n") == 1
    assert "c.jpg cannot be read" in printed.err
    (row,) = csv.DictReader(out.open())
    assert (row["picture"], row["face"]) == (str(folder / "c.jpg"), "")
    assert "its format is unknown" in row["error"]
    assert not (tmp_path / "annotated").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name a net"),
        (["a.png"], "Received: a.png."),
        (["--preset", "heatmap_s"], "then pictures"),
        (["net", "a.png", "--det"], "unrecognized arguments: --det"),
        (["net", "a.png", "--submission", "s.csv"], "no pictures"),
        (["net", "a.png", "--data", "d"], "--data is for --submission"),
        (["net", "--submission", "s.csv", "--detect"], "--detect"),
        (
            ["preset:heatmap_s", "a.png", "--out", "found.txt"],
            "must end with .json, .csv or .parquet",
        ),
        (
            ["preset:heatmap_s", "a.png", "--out", "found.csv", "--resume"],
            "--resume is for --out FOLDER.parquet",
        ),
        (["net", "--submission", "s.csv", "--jobs", "2"], "no pictures, --out, --draw, --resume"),
        (["net", "--submission", "s.csv", "--resume"], "--resume, --jobs, --cluster, --detect,"),
        (["net", "--submission", "s.csv", "--uncertainty"], "--detect, --uncertainty."),
        (["net", "a.png", "--cluster", ""], "--cluster: must not be empty"),
        (["net", "a.png", "--jobs", "0"], "at least 1"),
        (["net", "a.png", "--min-confidence", "0.5"], "is for --detect"),
        (["net", "a.png", "--detect", "--min-confidence", "95"], "must be from 0 to 1"),
        (
            ["preset:heatmap_s", "docs/figures/astronaut.png", "--draw", "drawn.mp4"],
            "go into a folder. Received for --draw: drawn.mp4",
        ),
        (
            ["preset:heatmap_s", "https://example.org/a.jpg"],
            "is an address. Download the picture first",
        ),
    ],
)
def test_mistakes_on_the_command_line_are_told(arguments, message, capsys):
    assert run_script(predict, *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_heatmap_net_tells_how_uncertain_it_is(run_path, folder, tmp_path, capsys):
    face = folder / "b.png"  # enlarged threefold
    options = ["--out", tmp_path / "found.csv", "--uncertainty"]
    assert run_script(predict, "preset:heatmap_s", face, *options) == 0
    crop = pictures.crop(to_gray(Image.open(face)), pictures.Box(0, 0, 288, 288))
    net = to_answer(load_net("preset:heatmap_s"), False, True)
    expected = net.predict(crop[np.newaxis])[0, :, 2]
    found = pd.read_csv(tmp_path / "found.csv")["uncertainty"]
    np.testing.assert_allclose(found, 3 * expected, atol=0.02)
    assert found.max() > 1
    capsys.readouterr()
    assert run_script(predict, run_path, face, "--uncertainty") == 2
    assert "cannot tell how uncertain it is" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "place"), [("--out", "file/x.csv"), ("--draw", "file")])
def test_places_for_results_are_tried_before_the_work(tmp_path, capsys, option, place):
    (tmp_path / "file").touch()
    assert run_script(predict, "preset:heatmap_s", "nowhere.png", option, tmp_path / place) == 2
    assert "is a file and no folder" in capsys.readouterr().err


def test_the_home_folder_is_the_same_place_for_looking_and_for_writing(
    folder, tmp_path, monkeypatch, capsys
):
    """A shell leaves the `~` of `--out=~/found.parquet` alone."""
    pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    monkeypatch.setenv("HOME", str(tmp_path))
    start = ("--preset", "heatmap_s", folder / "a.png")
    assert run_script(predict, *start, "--out=~/found.parquet") == 0
    assert run_script(predict, *start, "--out=~/found.parquet") == 2
    assert f"{tmp_path}/found.parquet has results already" in capsys.readouterr().err
    taken = folder / "a_keypoints.png"
    taken.write_bytes(before := (folder / "b.png").read_bytes())
    assert run_script(predict, *start, taken, f"--draw=~/{folder.name}") == 0
    assert taken.read_bytes() == before
    assert (folder / "a-2_keypoints.png").exists()


@pytest.mark.parametrize(("kept", "told"), [(0.5, "its end is missing"), (1, "cannot be loaded")])
def test_damaged_weights_are_told(kept, told, run_path, folder, tmp_path, capsys):
    damaged = shutil.copytree(run_path, tmp_path / "damaged")
    whole = bytearray((damaged / "model.keras").read_bytes())
    whole[len(whole) // 4 : len(whole) // 2] = bytes(len(whole) // 2 - len(whole) // 4)
    (damaged / "model.keras").write_bytes(whole[: int(kept * len(whole))])
    assert run_script(predict, damaged, folder / "a.png") == 2
    assert re.search(rf"model\.keras .*{told}.*--overwrite", capsys.readouterr().err)


def test_a_missing_picture_is_told_before_anything_is_loaded(capsys):
    assert run_script(predict, "preset:heatmap_s", "nowhere.png") == 2
    assert "There is no nowhere.png" in capsys.readouterr().err


class TwoFaces:
    """A detector that knows where the faces are."""

    def __init__(self, min_confidence=None):
        pass

    boxes = (pictures.Box(20.5, 10, 96, 96), pictures.Box(180, 60, 144, 144))

    def find(self, picture):
        faces = [DetectedFace(box, 0.97) for box in self.boxes]
        return faces if picture.width > 300 else []


def test_detected_faces_are_carried_back_into_the_photograph(
    run_path, tmp_path, monkeypatch, capsys
):
    images, _ = small_data.faces()
    photograph = Image.new("L", (400, 250), 90)
    photograph.paste(Image.fromarray(images[3, :, :, 0]).resize((144, 144)), (180, 60))
    photograph.save(tmp_path / "party.png")
    Image.new("L", (200, 200)).save(tmp_path / "nobody.png")
    monkeypatch.setattr(pictures, "FaceDetector", TwoFaces)
    out = tmp_path / "found.json"
    files = [tmp_path / "party.png", tmp_path / "nobody.png"]
    assert run_script(predict, run_path, *files, "--detect", "--out", out) == 0
    party, nobody = json.loads(out.read_text())
    assert nobody["faces"] == []
    assert "no face found" in capsys.readouterr().err
    gray = np.asarray(photograph)
    for face, box in zip(party["faces"], TwoFaces.boxes, strict=True):
        in_crop = load_net(run_path).predict(pictures.crop(gray, box)[None])[0]
        expected = pictures.to_photograph(in_crop, box)
        np.testing.assert_allclose(list(face["keypoints"].values()), expected, atol=0.01)
        assert face["confidence"] == 0.97


def test_nobody_in_any_photograph_is_status_1(run_path, tmp_path, monkeypatch, capsys):
    Image.new("L", (200, 200)).save(tmp_path / "nobody.png")
    monkeypatch.setattr(pictures, "FaceDetector", TwoFaces)
    assert run_script(predict, run_path, tmp_path / "nobody.png", "--detect") == 1
    printed = capsys.readouterr()
    assert "no face found in" in printed.err
    assert printed.out.splitlines()[1] == f"{tmp_path / 'nobody.png'}{',' * 11}"


@pytest.mark.parametrize("options", [(), ("--jobs", "2")])
def test_a_polite_kill_keeps_what_was_found(tmp_path, options):
    (tmp_path / "in").mkdir()
    picture = tmp_path / "in" / "0.png"
    Image.fromarray(small_data.faces()[0][0, :, :, 0]).save(picture)
    for number in range(1, 8000):  # seconds of work
        (tmp_path / "in" / f"{number}.png").hardlink_to(picture)
    out, drawn = tmp_path / "out" / "found.csv", tmp_path / "drawn"
    command = ["predict.py", "--preset", "heatmap_s", tmp_path / "in", *options]
    process = subprocess.Popen(
        [sys.executable, *command, "--out", out, "--draw", drawn],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 300
        while not any(file.stat().st_size > 1000 for file in out.parent.glob(".tmp-*")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGTERM)  # to all processes, as a service manager does
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert re.search(r"interrupted after [\d,]+ of 8,000 pictures$", error.strip())
    assert len(out.read_text().splitlines()) % 15 == 1
    assert not list(tmp_path.glob("**/.tmp-*"))


def test_what_a_killed_command_left_is_deleted(run_path, folder, tmp_path):
    beyond = 2**22 + 1  # the largest process number of Linux is 2²²
    out, drawn = tmp_path / "found.csv", tmp_path / "drawn"
    drawn.mkdir()
    other = tmp_path / f".tmp-{beyond}-other.csv"
    for file in (
        tmp_path / f".tmp-{beyond}-found.csv",
        drawn / f".tmp-{beyond}-a_keypoints.png",
        other,
    ):
        file.touch()
    assert run_script(predict, run_path, folder / "a.png", "--out", out, "--draw", drawn) == 0
    assert list(tmp_path.glob("**/.tmp-*")) == [other]


def test_what_a_killed_command_left_is_deleted_where_a_link_leads(run_path, folder, tmp_path):
    there, link = tmp_path / "there", tmp_path / "found.csv"
    there.mkdir()
    link.symlink_to(there / "target")
    left = there / f".tmp-{2**22 + 1}-found.csv"
    left.touch()
    assert run_script(predict, run_path, folder / "a.png", "--out", link) == 0
    assert list(there.iterdir()) == [there / "target"]
    assert link.is_symlink()


def test_ctrl_c_keeps_what_was_found(run_path, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pictures, "FaceDetector", TwoFaces)
    monkeypatch.setattr("pictures.finder._PHOTOGRAPHS", 1)
    for number in range(4):
        Image.new("L", (400, 250), 90).save(tmp_path / f"{number}.png")
    find, seen = TwoFaces.find, []

    def interrupted_at_the_third(self, picture):
        seen.append(picture)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return find(self, picture)

    monkeypatch.setattr(TwoFaces, "find", interrupted_at_the_third)
    files = sorted(tmp_path.glob("*.png"))
    for out in (tmp_path / "found.json", tmp_path / "found.csv"):
        seen.clear()
        assert run_script(predict, run_path, *files, "--detect", "--out", out) == 130
        assert "interrupted after 2 of 4 pictures" in capsys.readouterr().err
    assert len(json.loads((tmp_path / "found.json").read_text())) == 2
    rows = list(csv.DictReader((tmp_path / "found.csv").open()))
    assert {row["picture"] for row in rows} == {str(file) for file in files[:2]}
    assert rows[0]["confidence"] == "0.9700"
    assert not list(tmp_path.glob(".tmp*"))


def test_a_photograph_without_detect_is_pointed_out(run_path, tmp_path, capsys):
    for number in range(2):
        Image.new("L", (800, 500), 90).save(tmp_path / f"{number}.png")
    assert run_script(predict, run_path, tmp_path) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "0.png is 800×500 px and is taken for one face" in line


def test_folders_are_searched_to_the_bottom_but_not_hidden_ones(folder):
    for place in ("x/y", ".hidden", "x/.tmp"):
        (folder / place).mkdir(parents=True)
        (folder / place / "d.png").write_bytes((folder / "a.png").read_bytes())
    found = [str(path.relative_to(folder)) for path in pictures.find_pictures([folder])]
    assert found == ["a.png", "b.png", "c.jpg", "x/y/d.png"]


def test_heic_is_read_with_its_extra_and_pointed_out_without(tmp_path, monkeypatch):
    file = tmp_path / "phone.HEIC"
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.new("RGB", (64, 48), (200, 10, 10))).save(file)
    read = pictures.read_picture(file)
    assert read.size == (64, 48)
    assert read.getpixel((30, 20))[0] == pytest.approx(200, abs=5)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(pictures.UnreadablePictureError, match=r"\[heic\]"):
        pictures.read_picture(file)


def test_a_picture_that_vanishes_before_it_is_drawn_costs_itself_alone(tmp_path, monkeypatch):
    gone, *others = stand_in_finder.write_pictures(tmp_path / "photos", [10, 20, 30])
    finder = stand_in_finder.StandIn()()
    drawings = [tmp_path / path.name for path in (gone, *others)]

    predict = stand_in_finder.StandIn.predict

    def predict_and_remove(*arguments):
        gone.unlink()
        return predict(*arguments)

    monkeypatch.setattr(stand_in_finder.StandIn, "predict", predict_and_remove)
    found = finder(pictures.finder.Batch([gone, *others], drawings))
    assert "cannot be read" in found[0].error
    assert not found[0].faces
    assert [len(each.faces) for each in found[1:]] == [1, 1]
    assert [drawing.exists() for drawing in drawings] == [False, True, True]


def test_heic_is_known_by_its_content(tmp_path):
    """In a process of its own, where no picture called .heic has been read before."""
    heif = pytest.importorskip("pillow_heif")
    file = tmp_path / "phone.jpg"
    heif.from_pillow(Image.new("RGB", (64, 48))).save(tmp_path / "phone.heic")
    (tmp_path / "phone.heic").rename(file)
    script = (
        "import io, pathlib, sys, pictures\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "for what in (io.BytesIO(path.read_bytes()), path):\n"
        "    print(pictures.read_picture(what).size)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, file], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "(64, 48)\n(64, 48)\n"


def test_without_the_extra_detect_says_what_to_install(run_path, folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mtcnn", None)
    for module, name in ((cascade, "load_weights"), (framing, "square_finder")):
        monkeypatch.setattr(module, name, getattr(module, name).__wrapped__)  # without its cache
    assert run_script(predict, run_path, folder / "a.png", "--detect") == 2
    assert "[detect]" in capsys.readouterr().err


def test_real_faces_are_found_where_they_were_pasted(real_faces):
    data = data_pipeline.load_faces(real_faces)
    ramp = np.add.outer(np.arange(600), np.arange(900)) * (160 / 1500)
    canvas = Image.fromarray(ramp.astype(np.uint8))
    places = [(40, 60, 140), (350, 250, 220), (660, 30, 180)]
    for (x, y, side), row in zip(places, (0, 400, 1200), strict=True):
        face = Image.fromarray(data.images[row, :, :, 0])
        canvas.paste(face.resize((side, side), Image.Resampling.BICUBIC), (x, y))
    found = pictures.FaceDetector().find(canvas)
    assert len(found) == 3
    for (box, _), (x, y, side) in zip(found, places, strict=True):
        assert box.width == pytest.approx(side, rel=0.25)
        assert abs(box.left + box.width / 2 - x - side / 2) < 0.12 * side
        assert abs(box.top + box.height / 2 - y - side / 2) < 0.12 * side
    assert pictures.FaceDetector().find(Image.new("L", (300, 200), 128)) == []
    assert pictures.FaceDetector().find(Image.new("L", (10, 10))) == []
