"""Presets: made from a run, loaded without it, and each one that comes with the project."""

import csv
import io
import itertools
import json

import keras
import numpy as np
import pytest
from PIL import Image

import data_pipeline
import evaluate
import export
import keypoint_schema
import models
import predict
import train
from benchmarks import make_preset
from data_pipeline import synthetic_faces
from errors import UserError
from tests import narrow_nets, small_data
from trained_nets import places, predictions, preset_store
from trained_nets.loading import load_keras_net, load_net

SHIPPED = places.preset_names()
ENTRIES = {
    "accuracy",
    "description",
    "intended_use",
    "keypoints",
    "limits",
    "name",
    "net",
    "parameters",
    "run",
    "trained_on",
}


def start(script, *options):
    return script.main([str(option) for option in options])


def write_notes(path, fingerprint):
    about = dict.fromkeys(("source", "licence"), "drawn for a test")
    notes = dict.fromkeys(("intended_use", "limits"), "drawn for a test")
    path.write_text(json.dumps(notes | {"data": [about | {"fingerprint": fingerprint}]}))
    return path


@pytest.fixture(scope="module")
def made(small_folder, tmp_path_factory):
    """The folder of presets with one called `tiny`, and the run that it was made from."""
    folder = tmp_path_factory.mktemp("made")
    data = data_pipeline.load_faces(small_folder)
    common = ["--data", str(small_folder)]
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(places, "PRESETS", folder / "presets")
        narrow_nets.put_into_zoo(monkeypatch)
        options = [
            "--model",
            "net2",
            "--epochs",
            1,
            "--runs",
            folder,
            "--precision",
            "float32",
        ]
        assert start(train, *options, *common) == 0
        notes = write_notes(folder / "notes.json", data.fingerprint)
        arguments = [folder / "net2", "--name", "tiny", *common, "--notes", notes]
        start(make_preset, *arguments)
    return folder / "presets", folder / "net2"


@pytest.fixture
def tiny(made, narrow_zoo, monkeypatch):
    """Puts the preset `tiny` in the place of those that are shipped; gives its folder."""
    monkeypatch.setattr(places, "PRESETS", made[0])
    return made[0] / "tiny"


@pytest.fixture
def copied(tiny, tmp_path, monkeypatch):
    """The same, to be damaged."""
    folder = tmp_path / "presets" / "tiny"
    folder.mkdir(parents=True)
    for file in tiny.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(places, "PRESETS", folder.parent)
    return folder


def test_a_preset_has_the_runs_weights_rounded_to_float16(tiny, made):
    run = load_net(made[1])
    preset = load_net("preset:tiny")
    assert preset.names == run.names
    for ours, theirs in zip(preset.model.weights, run.model.weights, strict=True):
        expected = np.asarray(theirs).astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(np.asarray(ours), expected)
        assert ours.dtype == "float32"


def test_presets_are_float32_nets_whatever_policy_is_set(tiny):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = preset_store.load_preset("tiny").model
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy("float32")
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


def test_the_card_gives_the_accuracy_that_evaluate_finds(tiny, small_folder):
    data = data_pipeline.load_faces(small_folder)
    accuracy = json.loads((tiny / "card.json").read_text())["accuracy"][small_folder.name]
    for way, flip_average in (("plain", False), ("flip_average", True)):
        net = predictions.load_nets(["preset:tiny"], data, "validation", flip_average)[
            0
        ].predictions
        squares = np.square(net.predicted - net.judged_labels)
        stored = accuracy["rmse_px"][way]["float16"]
        assert stored["value"] == pytest.approx(np.sqrt(np.nanmean(squares)), rel=1e-5)
        assert stored["low"] < stored["value"] < stored["high"]
        assert accuracy["labelled_coordinates"] == np.isfinite(squares).sum()


def test_the_card_names_no_folder_of_the_machine(tiny, made, small_folder):
    text = (tiny / "card.json").read_text()
    card = json.loads(text)
    assert card.keys() >= ENTRIES
    assert card["run"]["data"]["description"] == "training.csv"
    assert card["run"]["recipe"] == load_net(made[1]).config["recipe"]
    assert str(small_folder) not in text
    assert str(made[1].parent) not in text


def test_predict_finds_keypoints_with_a_preset(tiny, tmp_path, monkeypatch, capsys):
    images, _ = synthetic_faces.draw_faces(2, seed=3)
    for name, image in zip("ab", images, strict=True):
        Image.fromarray(image[:, :, 0]).save(tmp_path / f"{name}.png")
    pictures = [tmp_path / "a.png", tmp_path / "b.png"]
    start(predict, "--preset", "tiny", *pictures)
    plain = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["picture"] for row in plain[::15]] == list(map(str, pictures))
    start(predict, "preset:tiny", pictures[0], "--flip-average")
    averaged = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    expected = load_net("preset:tiny", flip_average=True).predict(images[:1])[0]
    found = [[float(row["x"]), float(row["y"])] for row in averaged]
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_evaluate_takes_a_preset_and_says_that_it_averages(
    tiny, small_folder, tmp_path, monkeypatch, capsys
):
    options = ["--data", small_folder, "--flip-average", "--json", tmp_path / "nets.json"]
    start(evaluate, "preset:tiny", *options)
    assert "preset:tiny" in capsys.readouterr().out
    assert "averaged with those for mirror images" in (tmp_path / "nets.json").read_text()


def test_export_loads_a_preset(tiny, monkeypatch):
    arguments = export.parse_arguments(["--preset", "tiny"])
    assert load_keras_net(arguments.run).config["model"] == "net2"
    for wrong in ([], ["runs/net7", "--preset", "tiny"]):
        with pytest.raises(SystemExit):
            export.parse_arguments(wrong)


def test_training_starts_from_a_preset_and_warns_of_another_split(
    tiny, small_folder, tmp_path, monkeypatch, capsys
):
    options = ["--model", "net2", "--epochs", 1, "--data", small_folder, "--runs", tmp_path]
    options += ["--precision", "float32", "--init-from", "preset:tiny", "--seed", 2]
    assert start(train, *options) == 0
    printed = capsys.readouterr().out
    assert "Warm start from preset:tiny; left fresh: nothing." in printed
    assert "preset:tiny has seen" in printed


def test_unknown_presets_are_refused_with_the_known_ones(tiny):
    with pytest.raises(UserError, match="no preset 'huge'.*tiny"):
        load_net("preset:huge")
    with pytest.raises(UserError, match="no preset '../presets/tiny'"):
        preset_store.load_preset("../presets/tiny")


def test_damaged_weights_are_told(copied):
    whole = (copied / "weights.npz").read_bytes()
    (copied / "weights.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="weights.npz .* damaged"):
        preset_store.load_preset("tiny")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda weights: weights.pop("output/bias"), "lacks 'output/bias'"),
        (lambda weights: weights.update(more=np.zeros(3)), "unknown 'more'"),
        (lambda weights: weights.update({"output/bias": np.zeros(7)}), r"\(7,\), not \(30,\)"),
    ],
)
def test_weights_of_another_net_are_told(copied, change, told):
    with np.load(copied / "weights.npz") as stored:
        weights = dict(stored)
    change(weights)
    np.savez(copied / "weights.npz", **weights)
    with pytest.raises(UserError, match=told):
        preset_store.load_preset("tiny")


@pytest.mark.parametrize("labellers", [None, ["someone", "else"]])
def test_a_card_without_the_accuracy_by_a_labeller_is_told(copied, labellers):
    card = json.loads((copied / "card.json").read_text())
    card["run"]["labellers"] = labellers
    (copied / "card.json").write_text(json.dumps(card))
    told = "card.json .*accuracy must have that by the labels of '(unnamed|someone)'"
    with pytest.raises(UserError, match=told):
        preset_store.load_preset("tiny")


def test_weights_beyond_float16_are_refused():
    model = models.build("heatmap_s")
    model.get_layer("output").bias.assign(np.full(15, 1e5))
    with pytest.raises(UserError, match=r"65,504; 'output/bias'"):
        preset_store.to_float16(model)


def test_notes_about_other_data_are_refused(made, small_folder, tmp_path, monkeypatch):
    notes = write_notes(tmp_path / "notes.json", "another")
    arguments = [made[1], "--name", "other", "--data", small_folder, "--notes", notes]
    with pytest.raises(UserError, match="say nothing about data with the fingerprint faces:"):
        start(make_preset, *arguments)


def test_a_net_trained_on_every_face_has_the_accuracy_of_its_reference_run(
    made, tiny, small_folder, tmp_path, monkeypatch
):
    common = ["--data", str(small_folder)]
    options = ["--model", "net2", "--epochs", 1, "--runs", tmp_path, "--hold-out", 0]
    assert start(train, *options, "--precision", "float32", *common) == 0
    notes = made[1].parent / "notes.json"
    arguments = [tmp_path / "net2", "--name", "whole", *common, "--notes", notes]
    with pytest.raises(UserError, match="--reference"):
        start(make_preset, *arguments)
    start(make_preset, *arguments, "--reference", made[1])
    card, reference = preset_store.read_card("whole"), preset_store.read_card("tiny")
    accuracy, expected = (each["accuracy"][small_folder.name] for each in (card, reference))
    assert accuracy["rmse_px"] == expected["rmse_px"]
    assert "held out" in accuracy["measured_on"]
    run = load_net(tmp_path / "net2")
    kernel = np.asarray(run.model.weights[0]).astype(np.float16)
    np.testing.assert_array_equal(preset_store.load_preset("whole").model.weights[0], kernel)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"recipe": {"epochs": 9}}, "same recipe. It has recipe"),
        ({"distill_from": "runs/teacher"}, "same recipe. It has distill_from True"),
        ({"data": {"fingerprint": "other"}}, "same recipe. It has fingerprint of data other"),
    ],
)
def test_a_reference_run_is_made_as_the_run_but_for_the_faces_held_out(made, change, told):
    reference = load_net(made[1]).config
    run = reference | {"data": reference["data"] | {"hold_out": 0}}
    make_preset.check_reference(run, reference)
    make_preset.check_reference(run | {"init_from": "a"}, reference | {"init_from": "b"})
    with pytest.raises(UserError, match=told):
        make_preset.check_reference(run, reference | change)


def test_a_preset_of_two_data_sets_answers_as_either_labeller(
    made, small_folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(places, "PRESETS", tmp_path / "presets")
    narrow_nets.put_into_zoo(monkeypatch)
    images, keypoints = small_data.faces(30, seed=9)
    other = tmp_path / "people"
    other.mkdir()
    complete = np.isfinite(keypoints).all((1, 2))
    text = small_data.training_csv(images[complete], keypoints[complete] + (5, 0))
    (other / "training.csv").write_text(text)
    both = ["--data", other, "--data", small_folder]
    options = ["--model", "net2", "--epochs", 1, "--runs", tmp_path, "--precision", "float32"]
    assert start(train, *options, *both) == 0
    notes = write_notes(tmp_path / "notes.json", data_pipeline.load_faces(other).fingerprint)
    more = json.loads(notes.read_text())
    fingerprint = data_pipeline.load_faces(small_folder).fingerprint
    more["data"].append(more["data"][0] | {"fingerprint": fingerprint})
    notes.write_text(json.dumps(more))
    arguments = [tmp_path / "net2", "--name", "both", "--notes", notes]
    with pytest.raises(UserError, match="learned from the labellers people, "):
        start(make_preset, *arguments, *both[:2])
    start(make_preset, *arguments, *both)
    card = preset_store.read_card("both")
    assert card["labels_of"] == "people"
    assert [each["labeller"] for each in card["trained_on"]] == ["people", small_folder.name]
    assert list(card["accuracy"]) == ["people", small_folder.name]
    run, preset = load_net(tmp_path / "net2"), load_net("preset:both")
    for labeller in preset.labellers:
        np.testing.assert_allclose(
            preset.as_labeller(labeller).predict(images[:3]),
            run.as_labeller(labeller).predict(images[:3]),
            atol=0.2,
        )


def test_a_run_that_held_faces_out_needs_no_reference(made, small_folder, monkeypatch):
    arguments = [made[1], "--name", "other", "--data", small_folder, "--reference", made[1]]
    with pytest.raises(UserError, match="Leave --reference out"):
        start(make_preset, *arguments)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_preset_finds_keypoints_of_drawn_faces(name):
    images, keypoints = synthetic_faces.draw_faces(16, seed=3)
    predicted = load_net(f"preset:{name}").predict_all(images)
    assert np.isfinite(predicted).all()
    assert ((predicted >= 0) & (predicted <= keypoint_schema.IMAGE_SIZE - 1)).all()
    # Nets that know only photographs reach about 2 px; mixed-up weights or keypoints do not.
    assert np.sqrt(np.mean(np.square(predicted - keypoints))) < 3.5


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_card_says_what_the_preset_is(name):
    card = preset_store.read_card(name)
    assert card.keys() >= ENTRIES
    assert card["name"] == name
    assert all(card[entry] for entry in ENTRIES)
    labellers = [each["labeller"] for each in card["trained_on"]]
    assert all(each["licence"] for each in card["trained_on"])
    assert labellers == list(card["accuracy"])
    for labeller, way in itertools.product(labellers, ("plain", "flip_average")):
        rmse = card["accuracy"][labeller]["rmse_px"][way]["float16"]
        assert rmse["low"] < rmse["value"] < rmse["high"]
    assert "path" not in card["run"]["data"]
    assert "/" not in card["run"]["data"]["description"]
    assert preset_store.load_preset(name).whole.count_params() == card["parameters"]


def test_shipped_presets_stay_small():
    files = [file for name in SHIPPED for file in (places.PRESETS / name).iterdir()]
    size = sum(file.stat().st_size for file in files)
    assert size < 10_000_000


@pytest.mark.parametrize("name", ["../escaped", "a b", ""])
def test_a_preset_needs_a_plain_name(name, tmp_path, monkeypatch):
    monkeypatch.setattr(places, "PRESETS", tmp_path / "presets")
    with pytest.raises(UserError, match="letters, digits and underscores"):
        preset_store.write_preset(name, {}, {})
    assert not list(tmp_path.iterdir())


def test_a_preset_that_cannot_be_written_is_a_mistake(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(places, "PRESETS", tmp_path / "file")
    with pytest.raises(UserError, match="tiny cannot be written"):
        preset_store.write_preset("tiny", {}, {})


def test_a_weight_that_is_no_number_is_damage(copied):
    with np.load(copied / "weights.npz") as stored:
        weights = dict(stored)
    name = next(iter(weights))
    weights[name] = np.full_like(weights[name], np.nan)
    np.savez(copied / "weights.npz", **weights)
    with pytest.raises(UserError, match="holds more than finite numbers"):
        preset_store.load_preset("tiny")
