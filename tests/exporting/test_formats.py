"""export.py --format onnx, litert and openvino, compared with the Keras model."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import data_pipeline
import export
import keypoint_schema
from errors import UserError
from exporting import (
    litert_format,
    onnx_format,
    openvino_format,
    other_formats,
)
from exporting.other_formats import export_other_format
from exporting.publishing import new_version
from tests import ROOT
from tests.export_stand_in import faces, stand_in_model, stand_in_net
from tests.running import run_script
from trained_nets import loading

FORMATS = {"onnx": onnx_format, "litert": litert_format, "openvino": openvino_format}
FILES = {
    "onnx": {"ONNX float32": "model.onnx"},
    "litert": {
        "LiteRT float32": "model_float32.tflite",
        "LiteRT float16": "model_float16.tflite",
        "LiteRT int8": "model_int8.tflite",
    },
    "openvino": {"OpenVINO float32": "model.xml"},
}
WEIGHTS = {"openvino": "model.bin"}
BFLOAT16 = "OpenVINO bfloat16"  # the same files, where the processor can


def few_faces():
    keypoints = np.full((24, 15, 2), 40, np.float32)
    keypoints[::2, 3] = np.nan
    return data_pipeline.FaceData(faces(24), keypoints, groups=np.arange(24))


@pytest.fixture(scope="module", params=FORMATS)
def written(request, tmp_path_factory):
    """A format's name, its folder and its table."""
    folder = tmp_path_factory.mktemp(request.param) / "model"
    folder, rows = export_other_format(stand_in_net(), folder, request.param, few_faces())
    return request.param, folder, rows


def test_files_answer_like_the_keras_model(written):
    kind, folder, _ = written
    images = faces(3, seed=7).astype(np.float32)
    expected = np.asarray(stand_in_model()(images)) * 48 + 47.5
    for name, file in FILES[kind].items():
        answer = FORMATS[kind].load(folder / file)(images)
        tolerance = {"float32": 1e-3, "float16": 0.2, "int8": 5}[name.split()[1]]
        np.testing.assert_allclose(answer, expected, atol=tolerance)
        assert answer.dtype == np.float32


def test_table_has_a_row_for_the_saved_model_and_each_file(written):
    kind, folder, rows = written
    names = [row.name for row in rows]
    assert names[: 1 + len(FILES[kind])] == ["SavedModel float32", *FILES[kind]]
    has_bfloat16 = kind == "openvino" and openvino_format.has_bfloat16()
    assert names[1 + len(FILES[kind]) :] == [BFLOAT16] * has_bfloat16
    assert rows[0].rmse_to_saved_model == 0
    files = FILES[kind] | {BFLOAT16: "model.xml"}
    for row in rows[1:]:
        size = (folder / files[row.name]).stat().st_size
        if kind in WEIGHTS:
            size += (folder / WEIGHTS[kind]).stat().st_size
        assert row.megabytes == size / 1e6
        assert row.rmse_to_saved_model < 2
        assert row.rmse_to_labels == pytest.approx(rows[0].rmse_to_labels, abs=2)
        assert row.milliseconds > 0


def test_folder_holds_the_files_and_the_model_card_alone(written):
    kind, folder, _ = written
    names = {path.name for path in folder.iterdir()}
    if kind == "openvino":
        assert names == {"model.xml", "model.bin", "model.json"}
        assert {path.name for path in folder.parent.iterdir()} == {"1", ".export-lock"}
    else:
        assert names == {*FILES[kind].values(), "model.json", ".export-lock"}
    card = json.loads((folder / "model.json").read_text())
    assert [keypoint["name"] for keypoint in card["keypoints"]] == list(keypoint_schema.NAMES)


class WriterInTheMiddle:
    """A format whose writing tells what the folder looks like meanwhile, then fails."""

    def is_installed(self):
        return True

    def write(self, saved_model, building, stem, calibration):
        folder = building.parent
        assert not (building / "killed").exists()
        with pytest.raises(UserError, match="Another export"), new_version(folder):
            pass
        assert (saved_model / "saved_model.pb").exists()  # which that export would have removed
        raise InterruptedError


def test_no_other_export_writes_meanwhile_and_leftovers_go(tmp_path, monkeypatch):
    (tmp_path / ".tmp-export" / "killed").mkdir(parents=True)
    monkeypatch.setattr(other_formats, "onnx_format", WriterInTheMiddle())
    with pytest.raises(InterruptedError):
        export_other_format(stand_in_net(), tmp_path, "onnx", few_faces())
    assert [path.name for path in tmp_path.iterdir()] == [".export-lock"]


def test_unwritable_folder_is_one_line_and_status_2(start, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert start("--format", "onnx", "--out", tmp_path / "file") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "file cannot be written: File exists" in error


def test_openvino_publishes_versions_and_a_taken_one_is_refused(start, tmp_path, capsys):
    for options, printed in (((), "1"), (("--version", "7"), "7"), ((), "8")):
        assert start("--format", "openvino", "--out", tmp_path, *options) == 0
        assert capsys.readouterr().out.startswith(f"Written to {tmp_path / printed}\n")
    assert start("--format", "openvino", "--out", tmp_path, "--version", "7") == 2
    assert "--version must be free" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == [".export-lock", "1", "7", "8"]


def test_one_folder_holds_versions_of_one_format(start, tmp_path, capsys):
    for name, file in (("a", "saved_model.pb"), ("b", "model.xml")):
        (tmp_path / name / "1").mkdir(parents=True)
        (tmp_path / name / "1" / file).touch()
    assert start("--format", "openvino", "--out", tmp_path / "a") == 2
    assert "one format" in capsys.readouterr().err
    assert start("--out", tmp_path / "b") == 2
    assert "has a model.xml" in capsys.readouterr().err


def test_a_float32_file_that_answers_otherwise_is_not_published(tmp_path, monkeypatch):
    load = openvino_format.load

    def shifted(path, precision="f32"):
        predict = load(path, precision)
        return lambda images: predict(images) + 0.05

    monkeypatch.setattr(openvino_format, "load", shifted)
    with pytest.raises(RuntimeError, match="OpenVINO float32 must equal the Keras model"):
        export_other_format(stand_in_net(), tmp_path, "openvino", few_faces())
    assert [path.name for path in tmp_path.iterdir()] == [".export-lock"]


def test_openvino_is_imported_without_its_telemetry(tmp_path):
    code = "from exporting import openvino_format; openvino_format.has_bfloat16()"
    environment = os.environ | {"HOME": str(tmp_path), "CI": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    assert not (tmp_path / "intel").exists()


def test_smaller_numbers_make_smaller_files(written):
    kind, _, rows = written
    if kind == "litert":
        float32, float16, int8 = (row.megabytes for row in rows[1:])
        assert float16 < 0.6 * float32
        assert int8 < 0.6 * float16


@pytest.fixture
def start(monkeypatch):
    def run(*options):
        monkeypatch.setattr(loading, "load_keras_net", lambda path, labels_of: stand_in_net())
        monkeypatch.setattr(data_pipeline, "load_faces", lambda path: few_faces())
        return run_script(export, "preset:heatmap_s", *options)

    return run


def test_script_prints_the_table_alone(start, tmp_path, capfd):
    assert start("--format", "litert", "--out", tmp_path / "model") == 0
    printed = capfd.readouterr()
    assert "fully_quantize" not in printed.err
    assert "XNNPACK" not in printed.err
    lines = printed.out.splitlines()
    table = lines[lines.index(next(line for line in lines if "RMSE to SavedModel" in line)) :]
    assert len(table) == 5
    for line in table[1:]:
        assert re.fullmatch(r"\w+ \w+ +[\d.]+ +[\d.]+ px +[\d.]+ px +[\d.]+", line), line


@pytest.mark.parametrize("kind", FORMATS)
def test_missing_extra_is_one_line_and_status_2(start, kind, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(FORMATS[kind], "is_installed", lambda: False)
    assert start("--format", kind, "--out", tmp_path / "model") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f".[{kind}]" in error


@pytest.mark.parametrize(
    "wrong",
    [
        ["--format", "onnx", "--version", "2"],
        ["--format", "openvino", "--photo"],
        ["--data", "somewhere"],
    ],
)
def test_options_without_effect_are_refused(start, wrong, capsys):
    assert start(*wrong) == 2
    assert "leave it out" in capsys.readouterr().err


def test_extras_are_declared():
    declared = (ROOT / "setup.cfg").read_text()
    for extra in ("serving", "onnx", "litert", "openvino"):
        assert re.search(rf"(?m)^{extra} =$", declared)


def test_a_folder_in_a_files_place_is_told_and_nothing_is_moved(tmp_path):
    files = []
    for name in ("one.onnx", "two.json"):
        files.append(tmp_path / name)
        files[-1].write_text(name)
    target = tmp_path / "out"
    (target / "two.json").mkdir(parents=True)
    with pytest.raises(UserError, match=r"two\.json must be a file, but a folder"):
        other_formats._move(files, target)
    assert [path.name for path in target.iterdir()] == ["two.json"]
