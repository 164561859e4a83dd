"""export.py as a person uses it, and what is in the folder that it writes."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

import export
import keypoint_schema
from errors import UserError
from exporting import (
    command,
    export_saved_model,
    open_saved_model,
    signatures,
    write_saved_model,
)
from exporting.float32_copy import float32_copy
from exporting.model_card import model_card, write_card_file
from exporting.signatures import SIGNATURES
from exporting.warm_up import BATCH_SIZES
from tests import ROOT
from tests.export_stand_in import (
    CONFIG,
    faces,
    graph_functions,
    published,
    stand_in_model,
    stand_in_net,
)
from tests.running import run_script
from trained_nets import loading, preset_store
from trained_nets.loading import load_net
from trained_nets.trained_net import from_model

NAMES = keypoint_schema.NAMES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return published(tmp_path_factory)


@pytest.fixture
def start(monkeypatch):
    """Runs the script on the stand-in; returns its exit status."""

    def run(*options, net=None):
        monkeypatch.setattr(loading, "load_keras_net", lambda *_: net or stand_in_net())
        return run_script(export, *options)

    return run


def keras_pixels(images, model=None):
    model = model or stand_in_model()
    return np.asarray(model(images.astype(np.float32))) * 48 + 47.5


def test_export_prints_what_to_look_at(start, tmp_path, capsys):
    assert start("preset:heatmap_s", "--out", tmp_path / "model") == 0
    printed = capsys.readouterr().out
    assert "15 keypoints, 4 signatures" in printed
    assert f"saved_model_cli show --dir {tmp_path / 'model' / '1'} --all" in printed
    assert "warm-up records, replayed" in printed
    assert "Left out the warm-up records" not in printed


def test_options_reach_the_net_and_what_is_published(tmp_path, monkeypatch):
    asked = []

    def publish(net, out, **options):
        asked.append(options)
        raise UserError("That is all.")

    monkeypatch.setattr(loading, "load_keras_net", lambda *net: asked.append(net) or stand_in_net())
    monkeypatch.setattr(command, "export_saved_model", publish)
    options = ("--labels-of", "faces", "--flip-average", "--photo", "--version", 7)
    assert run_script(export, "preset:heatmap_s", *options, "--out", tmp_path) == 2
    wanted = {"flip_average": True, "photo": True, "version": 7}
    assert asked == [("preset:heatmap_s", "faces"), wanted]


def test_a_run_whose_training_is_not_finished_is_exported_with_a_warning(start, tmp_path, capsys):
    config = CONFIG | {"results": CONFIG["results"] | {"finished": False}}
    net = dataclasses.replace(stand_in_net(), config=config)
    assert start("preset:heatmap_s", "--out", tmp_path / "model", net=net) == 0
    assert "The training of runs/any is not finished" in capsys.readouterr().err


def test_taken_version_is_one_line_and_status_2(start, tmp_path, capsys):
    (tmp_path / "4").mkdir()
    assert start("preset:heatmap_s", "--out", tmp_path, "--version", 4) == 2
    assert "has version 4 already" in capsys.readouterr().err
    assert not list((tmp_path / "4").iterdir())


@pytest.mark.parametrize("version", ["0", "-1", "two", str(2**63)])
def test_version_must_be_a_positive_integer_that_the_server_can_count_to(start, version, capsys):
    assert start("preset:heatmap_s", f"--version={version}") == 2
    error = capsys.readouterr().err
    rule = "must be a whole number, at least 1 and at most 9223372036854775807"
    assert f"--version: {rule}. Received: {version}" in error


@pytest.mark.parametrize(
    ("place", "told"),
    [("nowhere", "does not exist"), ("empty", "is not a run folder"), ("model", "is a SavedModel")],
)
def test_what_is_no_run_is_told_with_a_remedy(place, told, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "model" / "1").mkdir(parents=True)
    (tmp_path / "model" / "1" / "saved_model.pb").write_bytes(b"")
    assert run_script(export, tmp_path / place) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{tmp_path / place} {told}" in error
    assert "Name a run folder of train.py (it has a config.json), or preset:NAME" in error
    assert "Errno" not in error


def test_abbreviated_options_are_refused(start, capsys):
    assert start("preset:heatmap_s", "--flip") == 2
    assert "unrecognized arguments: --flip" in capsys.readouterr().err


@pytest.mark.parametrize("batch", [1, 4])
def test_signatures_share_one_answer(folder, batch):
    images = faces(batch)
    files = np.array([tf.io.encode_png(face).numpy() for face in images], object)
    expected = keras_pixels(images)
    with open_saved_model(folder) as saved:
        assert sorted(saved.signatures) == sorted(SIGNATURES)
        gray = saved.run("serving_default", images=images.astype(np.float32))
        gray_uint8 = saved.run("serve_uint8", images=images)
        pictures = saved.run("serve_bytes", image_bytes=files)
        named = saved.run("serve_named", images=images.astype(np.float32))
    for answer in (gray, gray_uint8, pictures):
        np.testing.assert_allclose(answer["keypoints"], expected, atol=1e-3)
    assert sorted(named) == sorted(NAMES)
    for index, name in enumerate(NAMES):
        np.testing.assert_allclose(named[name], expected[:, index], atol=1e-3)


def test_the_net_is_traced_once(folder):
    with_net = [
        f for f in graph_functions(folder) if any(node.op == "Conv2D" for node in f.node_def)
    ]
    assert len(with_net) == 1


def test_each_signature_is_in_the_graph_once(folder):
    names = [each.signature.name for each in graph_functions(folder)]
    for signature in SIGNATURES:
        assert sum(name.startswith(f"__inference_{signature}_") for name in names) == 1


def test_weights_are_stored_once(folder, tmp_path, monkeypatch):
    weights = 4 * stand_in_model().count_params()  # bytes of float32
    data, graph = "variables/variables.data-00000-of-00001", "saved_model.pb"
    monkeypatch.setattr(signatures, "FROZEN_PARAMETERS", 0)
    export_saved_model(stand_in_net(), tmp_path)
    large = tmp_path / "1"
    # Those of a large net are variables beside the graph, those of a small one constants in it.
    assert weights <= (large / data).stat().st_size < 1.05 * weights
    assert (folder / data).stat().st_size < 0.01 * weights
    in_graph = (folder / graph).stat().st_size - (large / graph).stat().st_size
    assert 0.9 * weights < in_graph < 1.1 * weights


def test_folder_names_no_path_of_this_machine(folder):
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for place in (str(ROOT), str(folder.parent), os.path.dirname(tf.__file__)):
                assert place.encode() not in content, path


def mirrored_back(images):
    """The answers for mirrored pictures, brought back as if labels were symmetric."""
    mirrored = keras_pixels(images[:, :, ::-1])
    swapped = {"left": "right", "right": "left"}
    mirrors = ["_".join(swapped.get(word, word) for word in name.split("_")) for name in NAMES]
    return mirrored[:, [NAMES.index(mirror) for mirror in mirrors]] * [-1, 1] + [95, 0]


def test_flip_average_is_the_mean_of_a_face_and_its_mirror_image(tmp_path):
    images = faces(3)
    export_saved_model(stand_in_net(), tmp_path, flip_average=True)
    with open_saved_model(tmp_path / "1") as saved:
        answer = saved.run("serve_uint8", images=images)["keypoints"]
    expected = (keras_pixels(images) + mirrored_back(images)) / 2
    np.testing.assert_allclose(answer, expected, atol=1e-3)


OFFSET_PX = {
    "left_eye_center": [1.0, 0.5],
    "right_eye_center": [1.0, -0.5],
    "nose_tip": [-2.0, 0.0],
}


@pytest.mark.parametrize("flip_average", [True, False])
def test_labels_that_lie_to_one_side_stay_there_in_a_flip_average(tmp_path, flip_average):
    config = {
        "labellers": ["a", "b"],
        "results": {"mirror_offset_px": {"a": OFFSET_PX, "b": {"nose_tip": [9.0, 0.0]}}},
    }
    net = from_model("runs/any", stand_in_model(), NAMES, config)
    folder = export_saved_model(net, tmp_path, flip_average=flip_average).folder
    card = json.loads((folder / "assets.extra/model_card.json").read_text())
    assert (card["labels_of"], card["mirror_offset_px"]) == ("a", OFFSET_PX)
    images = faces(3)
    straight = keras_pixels(images)
    averaged = (straight + mirrored_back(images)) / 2
    for name, offset in OFFSET_PX.items():
        averaged[:, NAMES.index(name)] += offset
    with open_saved_model(folder) as saved:
        answer = saved.run("serve_uint8", images=images)["keypoints"]
    np.testing.assert_allclose(answer, averaged if flip_average else straight, atol=1e-3)
    # Whoever averages the exported model takes the offset from its card.
    for path in (tmp_path, folder):
        found = load_net(path, flip_average=True).predict(images)
        np.testing.assert_allclose(found, averaged, atol=1e-3)
    assert load_net(tmp_path).labels_of == "a"


def test_a_symmetric_flip_average_leaves_the_offset_out(start, tmp_path):
    config = {"results": {"mirror_offset_px": OFFSET_PX}}
    net = from_model("runs/any", stand_in_model(), NAMES, config)
    assert start("preset:heatmap_s", "--out", tmp_path, "--symmetric-flip-average", net=net) == 0
    images = faces(3)
    with open_saved_model(tmp_path / "1") as saved:
        answer = saved.run("serve_uint8", images=images)["keypoints"]
    symmetric = (keras_pixels(images) + mirrored_back(images)) / 2
    np.testing.assert_allclose(answer, symmetric, atol=1e-3)
    card = json.loads((tmp_path / "1/assets.extra/model_card.json").read_text())
    assert (card["flip_average"], card["mirror_offset_px"]) == (True, {})
    # Whoever averages the export again gets symmetric answers, too.
    again = load_net(tmp_path, flip_average=True).predict(images)
    np.testing.assert_allclose(again, symmetric, atol=1e-3)


@pytest.mark.parametrize("card", [None, '{"version": 1}'])
def test_a_saved_model_with_no_offset_in_its_card_is_averaged_as_symmetric(tmp_path, card):
    write_saved_model(stand_in_model(), NAMES, tmp_path / "model")
    if card is not None:
        (tmp_path / "model/assets.extra").mkdir()
        (tmp_path / "model/assets.extra/model_card.json").write_text(card)
    images = faces(2)
    found = load_net(tmp_path / "model", flip_average=True).predict(images)
    expected = (keras_pixels(images) + mirrored_back(images)) / 2
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_single_net_of_a_few_keypoints(start, tmp_path):
    names = keypoint_schema.SPECIALISTS[2].keypoints
    assert start("preset:heatmap_s", "--out", tmp_path, net=stand_in_net(names)) == 0
    images = faces(2)
    with open_saved_model(tmp_path / "1") as saved:
        answer = saved.run("serving_default", images=images.astype(np.float32))["keypoints"]
        assert sorted(saved.signatures["serve_named"].outputs) == sorted(names)
    np.testing.assert_allclose(answer, keras_pixels(images, stand_in_model(3)), atol=1e-3)
    card = json.loads((tmp_path / "1/assets.extra/model_card.json").read_text())
    assert [keypoint["name"] for keypoint in card["keypoints"]] == list(names)


def test_flip_average_needs_both_sides(start, tmp_path, capsys):
    net = stand_in_net(("left_eye_center", "nose_tip"))
    assert start("preset:heatmap_s", "--out", tmp_path, "--flip-average", net=net) == 2
    assert "'right_eye_center'" in capsys.readouterr().err
    assert not list(tmp_path.glob("*"))


def test_net_trained_in_bfloat16_is_served_in_float32(tmp_path):
    images = faces(4)
    mixed = stand_in_model(dtype="mixed_bfloat16")
    assert np.abs(keras_pixels(images, mixed) - keras_pixels(images)).max() > 0.01
    copy = float32_copy(mixed)
    np.testing.assert_allclose(keras_pixels(images, copy), keras_pixels(images), atol=1e-4)
    assert float32_copy(copy) is copy


def test_other_backend_is_refused_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match="KERAS_BACKEND=tensorflow"):
        export_saved_model(stand_in_net(), tmp_path)
    assert not list(tmp_path.glob("[0-9]*"))


def test_a_graph_that_answers_otherwise_is_not_published(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "exporting.saved_model_export.write_saved_model",
        lambda model, names, folder, mirror, photo: write_saved_model(
            model, names, folder, keypoint_schema.Mirror.of(names)
        ),
    )
    with pytest.raises(RuntimeError, match="must equal the Keras model"):
        export_saved_model(stand_in_net(), tmp_path)
    assert not list(tmp_path.glob("[0-9]*"))


def test_a_graph_whose_batches_fail_with_a_picture_is_not_published(monkeypatch, tmp_path):
    def strict(image_bytes):
        faces, sizes, errors = decode_faces(image_bytes)
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(errors == ""), [errors])]):
            return tf.identity(faces), sizes, errors

    decode_faces = signatures.decode_faces
    monkeypatch.setattr(signatures, "decode_faces", strict)
    with pytest.raises(tf.errors.InvalidArgumentError, match="must be a PNG"):
        export_saved_model(stand_in_net(), tmp_path)
    monkeypatch.setattr(signatures, "decode_faces", lambda files: (*decode_faces(files)[:2], files))
    with pytest.raises(RuntimeError, match="must refuse the last picture alone"):
        export_saved_model(stand_in_net(), tmp_path)
    assert not list(tmp_path.glob("[0-9]*"))


def test_model_card_says_what_the_run_knows(folder):
    card = json.loads((folder / "assets.extra/model_card.json").read_text())
    assert [keypoint["name"] for keypoint in card["keypoints"]] == list(NAMES)
    assert card["keypoints"][0]["mirror"] == "right_eye_center"
    assert card["coordinates"]["origin"].startswith("centre of the top left pixel")
    assert card["training_data"] == CONFIG["data"]
    assert card["validation"]["rmse_px"] == 1.5
    assert card["validation"]["rmse_px_per_keypoint"] == dict.fromkeys(NAMES, 1.5)
    assert card["training"] == {"git_commit": "abc", "versions": {"keras": "3"}}
    assert card["export"]["versions"]["tensorflow"] == tf.__version__


def test_model_card_of_a_run_that_knows_nothing_says_null(tmp_path):
    net = from_model("runs/any", stand_in_model(), NAMES, {})
    folder = export_saved_model(net, tmp_path).folder
    card = json.loads((folder / "assets.extra/model_card.json").read_text())
    assert card["training_data"] == {"fingerprint": None, "description": None}
    assert card["validation"]["rmse_px"] is None
    assert "preset" not in card


@pytest.mark.parametrize(("flip_average", "way"), [(False, "plain"), (True, "flip_average")])
def test_model_card_of_a_preset_says_what_the_presets_card_does(tmp_path, flip_average, way):
    preset = preset_store.read_card("heatmap_s")
    net = from_model(
        "preset:heatmap_s", stand_in_model(), NAMES, preset_store.load_preset("heatmap_s").config
    )
    folder = export_saved_model(net, tmp_path, flip_average=flip_average).folder
    card = json.loads((folder / "assets.extra/model_card.json").read_text("utf-8"))
    accuracy = preset["accuracy"][preset["labels_of"]]
    measured = accuracy["rmse_px"][way]
    validation = card["validation"]
    assert validation["rmse_px"] == measured["float16"]["value"]
    interval = validation["rmse_px_interval"]
    assert interval["low"] == measured["float16"]["low"] < validation["rmse_px"] < interval["high"]
    for key in ("confidence", "resampled_by"):
        assert interval[key] == accuracy[key]
    assert validation["rmse_px_per_keypoint"] == measured["per_keypoint"]
    assert validation["with_flip_average"] == flip_average
    assert validation["measured_on"] == accuracy["measured_on"]
    for data in preset["trained_on"]:
        assert data["licence"] in card["training_data"]["licence"]
    run = preset["run"]["data"]
    assert card["training_data"]["fingerprint"] == run["fingerprint"]
    assert card["preset"]["name"] == "heatmap_s"
    for key in ("intended_use", "limits"):
        assert card["preset"][key] == preset[key]
    assert "null" not in json.dumps(card)


def test_model_card_says_null_for_numbers_that_are_not_finite(tmp_path):
    each = {**dict.fromkeys(NAMES, 1.5), "nose_tip": float("nan")}
    results = {"valid_rmse_px": float("inf"), "valid_rmse_px_per_keypoint": each}
    net = from_model("runs/any", stand_in_model(), NAMES, {"results": results})
    card = model_card(net, flip_average=False, parameters=1)
    write_card_file(tmp_path / "card.json", card)
    validation = json.loads((tmp_path / "card.json").read_text())["validation"]
    assert validation["rmse_px"] is None
    assert validation["rmse_px_per_keypoint"] == {**each, "nose_tip": None}


def test_warm_up_has_every_signature_at_every_batch_size(folder):
    file = str(folder / "assets.extra/tf_serving_warmup_requests")
    found = set()
    for record in tf.data.TFRecordDataset(file).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.name == "facial_keypoints"
        (tensor,) = request.inputs.values()
        found.add((request.model_spec.signature_name, tensor.tensor_shape.dim[0].size))
    assert found == {(signature, batch) for signature in SIGNATURES for batch in BATCH_SIZES}


def test_failing_warm_up_stops_the_export(monkeypatch, tmp_path):
    broken = {"serve_bytes": ("image_bytes", tf.make_tensor_proto([b"no picture"]))}
    monkeypatch.setattr("exporting.warm_up._inputs", lambda batch, photo: broken)
    with pytest.raises(RuntimeError, match="Warm-up of serve_bytes .*must be a PNG"):
        export_saved_model(stand_in_net(), tmp_path)
    assert not list(tmp_path.glob("[0-9]*"))


def test_export_without_the_serving_extra(monkeypatch, start, tmp_path, capsys):
    monkeypatch.setattr("exporting.warm_up.prediction_log_pb2", None)
    assert start("preset:heatmap_s", "--out", tmp_path) == 0
    assert ".[serving]" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "1/assets.extra").iterdir()] == ["model_card.json"]


CLEAN_PROCESS = """
    import sys

    sys.modules["keras"] = None  # importing it raises
    import numpy as np
    import tensorflow as tf

    images = np.load(sys.argv[2])
    loaded = tf.saved_model.load(sys.argv[1])
    answers = {
        "default": loaded.signatures["serving_default"](images=tf.constant(images, tf.float32)),
        "bytes": loaded.signatures["serve_bytes"](
            image_bytes=tf.stack([tf.io.encode_png(image) for image in images])
        ),
    }
    imported = {name.split(".")[0] for name in sys.modules}
    assert not imported & {"keypoint_schema", "exporting", "models"}, imported
    np.savez(sys.argv[3], **{name: answer["keypoints"] for name, answer in answers.items()})
"""


def test_loads_in_a_process_without_the_project_and_keras(folder, tmp_path):
    images = faces(2)
    np.save(tmp_path / "images.npy", images)
    command = [
        sys.executable,
        "-I",
        "-c",
        textwrap.dedent(CLEAN_PROCESS),
        folder,
        tmp_path / "images.npy",
    ]
    subprocess.run([*command, tmp_path / "answers.npz"], cwd=tmp_path, check=True)
    answers = np.load(tmp_path / "answers.npz")
    np.testing.assert_allclose(answers["default"], keras_pixels(images), atol=1e-3)
    np.testing.assert_allclose(answers["bytes"], keras_pixels(images), atol=1e-3)


@pytest.fixture(scope="module")
def saved_model_cli():
    def run(*arguments):
        program = pathlib.Path(sys.executable).with_name("saved_model_cli")  # TensorFlow's
        command = [program, *map(str, arguments)]
        process = subprocess.run(command, capture_output=True, text=True)
        assert process.returncode == 0, process.stderr[-2000:]
        return process.stdout

    return run


def test_saved_model_cli_shows_the_contract(saved_model_cli, folder):
    shown = saved_model_cli("show", "--dir", folder, "--all")
    sections = dict(part.split("']:", 1) for part in shown.split("signature_def['")[1:])
    for signature, name, dtype, shape in (
        ("serving_default", "images", "DT_FLOAT", "(-1, 96, 96, 1)"),
        ("serve_uint8", "images", "DT_UINT8", "(-1, 96, 96, 1)"),
        ("serve_bytes", "image_bytes", "DT_STRING", "(-1)"),
        ("serve_named", "images", "DT_FLOAT", "(-1, 96, 96, 1)"),
    ):
        sent, received = sections[signature].split("output(s):")
        assert f"inputs['{name}']" in sent
        assert f"dtype: {dtype}" in sent
        assert f"shape: {shape}" in sent
        if signature != "serve_named":
            assert "outputs['keypoints']" in received
            assert "shape: (-1, 15, 2)" in received
    assert "outputs['error'] tensor_info:\n        dtype: DT_STRING" in sections["serve_bytes"]
    assert "outputs['error']" not in shown.replace(sections["serve_bytes"], "")
    for name in NAMES:
        assert f"outputs['{name}']" in sections["serve_named"]
    assert sections["serve_named"].count("shape: (-1, 2)") == 15


def test_saved_model_cli_runs_it(saved_model_cli, folder, tmp_path):
    images = faces(2)
    np.save(tmp_path / "faces.npy", images.astype(np.float32))
    saved_model_cli(
        "run", "--dir", folder, "--tag_set", "serve", "--signature_def", "serving_default",
        "--inputs", f"images={tmp_path / 'faces.npy'}", "--outdir", tmp_path,
    )  # fmt: skip
    answer = np.load(tmp_path / "keypoints.npy")
    np.testing.assert_allclose(answer, keras_pixels(images), atol=1e-3)


def test_saved_model_cli_finds_nothing_to_fear(saved_model_cli, folder):
    scanned = saved_model_cli("scan", "--dir", folder, "--tag_set", "serve")
    assert "does not contain the default denylisted ops" in scanned
