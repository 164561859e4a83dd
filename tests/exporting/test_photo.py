"""The signature serve_photo: whole photographs in, every face's keypoints out."""

import base64
import contextlib
import io
import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import export
import pictures
from data_pipeline.synthetic_faces import draw_faces
from exporting import open_saved_model, photo_endpoint, photographs, verification
from exporting.example_photograph import example_photograph
from exporting.signatures import SIGNATURES
from pictures.cropping import Box
from serving import client
from tests.export_stand_in import (
    colour_picture,
    encode,
    graph_functions,
    stand_in_model,
    stand_in_net,
)
from tests.exporting.test_hostile_pictures import measured_costs, require_cheap
from tests.running import run_script
from tests.serving_stand_in import predict_json, rest_server
from trained_nets import loading

OUTPUTS = ["boxes", "error", "faces", "keypoints", "scores"]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The folder that `export.py --photo` writes, and what it prints."""
    base = tmp_path_factory.mktemp("photo") / "facial_keypoints"
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        patch.setattr(loading, "load_keras_net", lambda *_: stand_in_net())
        assert run_script(export, "preset:heatmap_s", "--photo", "--out", base) == 0
    return base / "1", out.getvalue()


@pytest.fixture(scope="module")
def folder(exported):
    return exported[0]


@pytest.fixture(scope="module")
def saved(folder):
    with open_saved_model(folder) as saved:
        yield saved


@pytest.fixture(scope="module")
def ask(saved):
    return lambda *files: saved.run("serve_photo", image_bytes=np.array(files, object))


@pytest.fixture(scope="module")
def party():
    """A coloured photograph of three drawn faces; one reaches over the border."""
    faces, _ = draw_faces(3, seed=0)
    canvas = colour_picture(1000, 620)
    for face, (x, y, side) in zip(
        faces, ((60, 80, 150), (300, 210, 333), (900, 20, 170)), strict=True
    ):
        canvas.paste(Image.fromarray(face[:, :, 0]).resize((side, side)), (x, y))
    return canvas


def test_all_weights_are_in_the_graph_once(folder):
    nodes = [
        node
        for function in graph_functions(folder)
        for node in function.node_def
        if node.op == "Const"
    ]
    constants = [node.attr["value"].tensor.SerializeToString() for node in nodes]
    large = [each for each in constants if len(each) > 10_000]
    assert len(large) == len(set(large)) >= 10


def test_answers_are_those_of_detector_crop_and_net(ask, party):
    answer = ask(encode(party, "PNG"))
    expected = pictures.find_faces(party, stand_in_net(), pictures.FaceDetector())
    assert answer["faces"].tolist() == [len(expected)]
    assert len(expected) >= 2
    for face, box, score, keypoints in zip(
        expected, answer["boxes"][0], answer["scores"][0], answer["keypoints"][0], strict=True
    ):
        left, top, width, height = box
        assert (left, top, width, height) == pytest.approx(
            (face.box.left, face.box.top, face.box.width, face.box.height), abs=1e-3
        )
        assert score == pytest.approx(face.confidence, abs=1e-4)
        np.testing.assert_allclose(keypoints, face.points, atol=0.1)


@pytest.mark.parametrize(
    "square",
    [
        (100.4, 200.7, 40.3, 40.4),
        (-20.3, -10.9, 133.3, 133.1),
        (700.2, 500.1, 96.0, 96.0),
        (-40.0, -60.0, 800.5, 800.5),
    ],
)
def test_crops_are_pillows_to_a_gray_level(square):
    photograph = colour_picture(800, 600)
    square = np.array(square, np.float32)
    expected = pictures.crop(np.asarray(photograph.convert("L")), Box(*square.tolist()))
    difference = np.abs(photographs.crop(np.asarray(photograph), square) - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.001


def test_photographs_of_a_batch_are_padded_with_zeros_and_refused_ones_with_nan(ask, party):
    nobody = encode(Image.new("RGB", (300, 200), "gray"), "PNG")
    alone = ask(encode(party, "PNG"))
    answer = ask(nobody, b"no picture", encode(party, "PNG"))
    most = alone["faces"][0]
    assert answer["faces"].tolist() == [0, 0, most]
    assert answer["boxes"].shape == (3, most, 4)
    assert answer["scores"].shape == (3, most)
    assert answer["keypoints"].shape == (3, most, 15, 2)
    assert [bool(message) for message in answer["error"]] == [False, True, False]
    assert b"must be a PNG, JPEG, BMP or GIF" in answer["error"][1]
    for name in ("boxes", "scores", "keypoints"):
        assert not answer[name][0].any()
        assert np.isnan(answer[name][1]).all()
        np.testing.assert_allclose(answer[name][2], alone[name][0], rtol=1e-4)


def test_more_faces_than_the_net_sees_at_once_keep_their_order():
    crops = tf.range(70.0)[:, tf.newaxis, tf.newaxis, tf.newaxis] * tf.ones((1, 96, 96, 1))
    keypoints = photo_endpoint._in_batches(lambda faces: faces[:, :3, :2, 0], crops, 3)
    np.testing.assert_array_equal(keypoints[:, 2, 1], np.arange(70))


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_there_is_a_row_even_where_there_is_no_face(ask, batch):
    answer = ask(*[encode(Image.new("L", (60, 40), 128), "JPEG")] * batch)
    assert sorted(answer) == OUTPUTS
    assert answer["faces"].tolist() == [0] * batch
    assert answer["boxes"].shape == (batch, 1, 4)
    assert answer["keypoints"].shape == (batch, 1, 15, 2)


def test_rest_answers_one_object_a_photograph(saved):
    files = encode(Image.fromarray(example_photograph()[:, :, 0]), "PNG"), b"no picture"
    instances = [{"b64": base64.b64encode(file).decode()} for file in files]
    answer = predict_json(saved, {"signature_name": "serve_photo", "instances": instances})
    found, refused = json.loads(json.dumps(answer))["predictions"]
    assert sorted(found) == sorted(refused) == OUTPUTS
    assert (found["faces"], len(found["boxes"]), len(found["keypoints"][1])) == (2, 2, 15)
    assert (refused["faces"], found["error"]) == (0, "")
    assert "must be a PNG" in refused["error"]


def test_the_client_asks_for_photographs(saved, tmp_path, capsys):
    files = [tmp_path / name for name in ("party.png", "nobody.png", "broken.png")]
    Image.fromarray(example_photograph()[:, :, 0]).save(files[0])
    Image.new("L", (60, 40), 128).save(files[1])
    files[2].write_bytes(b"no picture")
    with rest_server(saved) as (url, _):
        drawn = "--draw", tmp_path / "drawn"
        assert run_script(client, *files, "--photo", "--json", "--url", url, *drawn) == 2
        printed = capsys.readouterr()
        party, nobody, broken = json.loads(printed.out)
        assert run_script(client, *files[:2], "--photo", "--url", url) == 0
    assert (len(party["faces"]), nobody["faces"], broken["faces"]) == (2, [], None)
    assert party["faces"][0]["box"]["width"] == pytest.approx(96, rel=0.2)
    assert len(party["faces"][1]["keypoints"]) == 15
    assert "broken.png was refused: The picture must be a PNG" in printed.err
    assert (tmp_path / "drawn/party_keypoints.png").exists()
    table = capsys.readouterr().out
    assert f"{files[0]}  face 1, score " in table
    assert f"{files[1]}  (no face found)" in table


def test_no_photograph_takes_more_than_three_seconds_or_300_megabytes(folder, tmp_path):
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (134, 134, 3), np.uint8).repeat(6, 0).repeat(6, 1)
    faces, _ = draw_faces(16, seed=0)
    crowd = np.block([[faces[(5 * i + j) % 16, :, :, 0] for j in range(25)] for i in range(25)])
    portrait = Image.fromarray(faces[0, :, :, 0]).convert("RGB").resize((4096, 4096))
    files = {
        "noise": encode(Image.fromarray(noise), "PNG"),  # thousands of proposals
        "crowd": encode(Image.fromarray(crowd).resize((800, 800)), "JPEG"),
        "portrait": encode(portrait, "JPEG"),  # its square is as large as the photograph
    }
    costs = measured_costs(files, tmp_path, folder, "serve_photo")
    assert not any(cost["refusal"] for cost in costs.values())
    require_cheap(costs, max_seconds=3.0)  # 250 faces have to be found, cut out and answered


CLEAN_PROCESS = """
    import sys

    sys.modules["keras"] = sys.modules["mtcnn"] = None  # importing them raises
    import tensorflow as tf

    serve_photo = tf.saved_model.load(sys.argv[1]).signatures["serve_photo"]
    answer = serve_photo(image_bytes=tf.io.read_file(sys.argv[2])[tf.newaxis])
    assert not {name.split(".")[0] for name in sys.modules} & {"pictures", "exporting"}
    print(answer["faces"].numpy(), answer["boxes"][0, :, 0].numpy().round())
"""


def test_two_pasted_faces_are_found_in_a_process_without_the_project(folder, tmp_path):
    (tmp_path / "party.jpg").write_bytes(tf.io.encode_jpeg(example_photograph()).numpy())
    command = [sys.executable, "-I", "-c", textwrap.dedent(CLEAN_PROCESS), folder, "party.jpg"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[-2000:]
    faces, *lefts = process.stdout.replace("[", " ").replace("]", " ").split()
    assert faces == "2"
    # The faces lie 40 px from the left border and from the middle, at 176.
    np.testing.assert_allclose([float(left) for left in lefts], [40, 216], atol=12)


def test_export_photo_says_what_it_wrote(exported, saved):
    folder, printed = exported
    assert "15 keypoints, 5 signatures" in printed
    assert "30 warm-up records, replayed" in printed
    assert sorted(saved.signatures) == sorted([*SIGNATURES, "serve_photo"])
    outputs = saved.signatures["serve_photo"].outputs
    shapes = {name: [d.size for d in info.tensor_shape.dim] for name, info in outputs.items()}
    assert shapes == {
        "boxes": [-1, -1, 4],
        "scores": [-1, -1],
        "keypoints": [-1, -1, 15, 2],
        "faces": [-1],
        "error": [-1],
    }
    card = json.loads((folder / "assets.extra/model_card.json").read_text())
    detector = card["photographs"]["detector"]
    assert detector["name"] == "MTCNN"
    assert "MIT" in detector["licence"]


@pytest.mark.parametrize("other", ["onnx", "litert"])
def test_other_formats_have_no_photographs(other, capsys):
    assert run_script(export, "preset:heatmap_s", "--photo", "--format", other) == 2
    assert "--photo is for SavedModels" in capsys.readouterr().err


class Changed:
    """An open SavedModel, one of whose outputs is changed."""

    def __init__(self, saved, output, change):
        self._saved, self._output, self._change = saved, output, change

    def run(self, name, **inputs):
        answer = self._saved.run(name, **inputs)
        return {**answer, self._output: self._change(answer[self._output])}


@pytest.mark.parametrize(
    ("output", "change", "told"),
    [
        ("keypoints", lambda value: value + 0.2, "must equal detector, crop and Keras model"),
        ("faces", lambda value: value + 1, "must find 2 faces"),
        ("error", lambda value: value[::-1], "must find 2 faces"),
    ],
)
def test_a_graph_that_answers_otherwise_is_not_published(saved, output, change, told):
    with pytest.raises(RuntimeError, match=f"serve_photo {told}"):
        verification._verify_photo(Changed(saved, output, change), stand_in_model(), None)
