"""Rows from two labellers: who is who, what a source-aware net learns and says of them."""

import csv
import dataclasses
import json
import types

import keras
import numpy as np
import pytest
import rich.console

import data_pipeline
import keypoint_schema
import models
import train
from data_pipeline import FaceData
from evaluation import labeller_offset, metrics
from keypoint_schema import FOUR_POINTS, NAMES, is_four_point
from tests import small_data
from tests.killing import killed_in_epoch
from tests.running import run_script
from trained_nets import run_folder
from trained_nets.loading import load_net
from trained_nets.predictions import load_nets
from training.fit import fit
from training.sklearn_estimator import KeypointRegressor
from training.task import Settings, Task

FOUR = keypoint_schema.indices(FOUR_POINTS)
REST = np.setdiff1d(np.arange(len(NAMES)), FOUR)
LABELLED, AWARE = ("--set", "rows=labelled"), ("--set", "source_aware=true")
SHIFT = np.array([9, -6], np.float32)  # px; where the four-point labeller puts them


def test_rows_with_none_but_the_four_keypoints_are_the_four_point_labellers():
    labelled = np.zeros((6, 15), bool)
    labelled[0] = True
    labelled[1, FOUR] = True
    labelled[2, FOUR[:1]] = True
    labelled[3, [*FOUR, REST[0]]] = True
    labelled[4, REST] = True  # row 5 has no labels
    assert is_four_point(labelled).tolist() == [False, True, True, False, False, False]
    assert is_four_point(labelled[:, FOUR], FOUR_POINTS).tolist() == [True] * 4 + [False] * 2


def test_rows_of_a_specialist_keep_their_labeller():
    data = FaceData(*small_data.faces(9), np.arange(9))
    four_point = [False, False, True] * 3
    assert data.four_point.tolist() == four_point
    assert data.select(["nose_tip"]).four_point.tolist() == four_point  # though labels look alike
    assert data.select(["nose_tip"]).rows([8, 0]).four_point.tolist() == [True, False]
    corners = data.select(["mouth_left_corner", "mouth_right_corner"])
    assert corners.four_point.tolist() == [False] * 6


def test_each_labeller_has_a_place_of_its_own_among_the_labels():
    keypoints = np.arange(18, dtype=np.float32).reshape(3, 3, 2)
    keypoints[1, 1] = np.nan  # only keypoints of the four are left
    names = ("nose_tip", "mouth_center_top_lip", "mouth_center_bottom_lip")
    data = FaceData(np.zeros((3, 96, 96, 1), np.uint8), keypoints, np.arange(3), names)
    labels = data.by_labeller()
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(labels[[0, 2], :3], keypoints[[0, 2]])
    assert np.isnan(labels[[0, 2], 3:]).all()
    assert np.isnan(labels[1, :3]).all()
    np.testing.assert_array_equal(labels[1, 3:], keypoints[1])
    # A label that is filled in later is the full labeller's, in a four-point row too.
    filled = dataclasses.replace(data, keypoints=np.nan_to_num(keypoints, nan=7)).by_labeller()
    np.testing.assert_array_equal(filled[1, :3], [[np.nan] * 2, [7, 7], [np.nan] * 2])
    assert np.isnan(filled[1, 4]).all()


def test_built_in_faces_know_their_labeller_by_the_labels_that_are_left(monkeypatch):
    monkeypatch.setattr(data_pipeline.loading, "NUM_SYNTHETIC_TRAINING", 60)
    data = data_pipeline.load_faces()
    assert 0.5 < data.four_point.mean() < 0.8
    assert np.isnan(data.keypoints[data.four_point][:, REST]).all()


def test_offset_is_worked_by_hand():
    predicted = np.full((3, 2, 2), 10.0)
    labels = np.full((3, 2, 2), np.nan)
    labels[0, 0], labels[2, 0] = (13, 8), (11, 10)
    offset = labeller_offset.measure(predicted, labels, ("nose_tip", "left_eye_center"))
    assert offset == {"nose_tip": [2.0, -1.0]}
    rows = np.array([False, True, True])
    moved = labeller_offset.add(predicted, rows, ("left_eye_center", "nose_tip"), offset)
    np.testing.assert_array_equal(moved[0], predicted[0])
    np.testing.assert_array_equal(moved[1:, 0], predicted[1:, 0])
    np.testing.assert_array_equal(moved[1:, 1], [[12, 9]] * 2)
    np.testing.assert_array_equal(
        labeller_offset.add(predicted, rows, ("left_eye_center", "nose_tip"), None), predicted
    )


def two_labellers(count, seed=7):
    """Drawn faces, two thirds of them by a labeller who puts four keypoints elsewhere.

    Returns:
        Images, keypoints px, and keypoints as the full labeller would have put all of them.
    """
    images, complete = data_pipeline.synthetic_faces.draw_faces(count, seed)
    keypoints = complete.copy()
    four_point = np.arange(count) % 3 != 0
    keypoints[np.ix_(four_point, REST)] = np.nan
    keypoints[four_point] += SHIFT
    return images, keypoints, complete


def tiny_net(num_keypoints, name):
    """Sees 6×6 pixels, and answers with little more than the mean face."""
    images = keras.Input((96, 96, 1), name="images")
    x = keras.layers.Rescaling(1 / 255)(keras.layers.AveragePooling2D(16)(images))
    x = keras.layers.Dense(8, activation="tanh", name="hidden")(keras.layers.Flatten()(x))
    x = keras.layers.Dense(2 * num_keypoints, dtype="float32", name="output")(x)
    outputs = keras.layers.Reshape((num_keypoints, 2), name="keypoints")(x)
    return keras.Model(images, outputs, name=name)


@pytest.fixture
def tiny_zoo(monkeypatch):
    recipe = models.Recipe(
        epochs=40,
        batch_size=16,
        rows="labelled",
        augmentation="flip",
        mirror_offset=True,
        learning_rate=0.05,
    )
    zoo = {"tiny": models.zoo.Entry("for tests", tiny_net, recipe)}
    monkeypatch.setattr(models.zoo, "ZOO", types.MappingProxyType(zoo))
    return recipe


def test_four_point_rows_do_not_pull_a_source_aware_net(tiny_zoo, tmp_path):
    images, keypoints, _ = two_labellers(420)
    data = FaceData(images, keypoints, np.arange(420), fingerprint="two labellers")
    later, _, complete = two_labellers(60, seed=8)

    def train_tiny(source_aware):
        settings = Settings(seed=1, precision="float32")
        task = Task(
            net="tiny",
            model_name="tiny",
            recipe=dataclasses.replace(tiny_zoo, source_aware=source_aware),
            train=data.rows(slice(120)),
            valid=data.rows(slice(120, None)),
            run=run_folder.RunFolder(tmp_path / str(source_aware)),
            settings=settings,
        )
        model, results = fit(task, rich.console.Console(quiet=True))
        answers = keypoint_schema.to_pixels(model.predict(later, verbose=0))
        return metrics.rmse_px(answers[:, FOUR], complete[:, FOUR]).value(), results

    unaware_error, unaware = train_tiny(source_aware=False)
    error, results = train_tiny(source_aware=True)
    assert error < 0.8 * unaware_error
    assert unaware.partial_offset_px is None
    assert set(results.partial_offset_px) == set(FOUR_POINTS)
    np.testing.assert_allclose(list(results.partial_offset_px.values()), [SHIFT] * 4, atol=1.5)
    # Labels of the full labeller are mirror-symmetric, and flips are told so.
    assert np.abs(list(results.mirror_offset_px.values())).max() < 1
    assert np.mean([unaware.mirror_offset_px[name][0] for name in FOUR_POINTS]) > 3
    # With the offset, four-point rows count as what they are, in training and afterwards.
    with open(tmp_path / "True/history.csv", newline="") as file:
        best = list(csv.DictReader(file))[results.best_epoch - 1]
    assert results.validation.rmse_px == pytest.approx(float(best["valid_rmse_px"]), rel=0.1)


def test_the_estimator_trains_source_aware_recipes_too(tiny_zoo, monkeypatch):
    recipe = dataclasses.replace(tiny_zoo, source_aware=True, augmentation="none")
    monkeypatch.setattr(
        models.zoo, "ZOO", {"tiny": models.zoo.Entry("for tests", tiny_net, recipe)}
    )
    images, keypoints, _ = two_labellers(120)
    net = KeypointRegressor("tiny").fit(images, keypoints)
    later, _, complete = two_labellers(60, seed=8)
    bias = (net.predict(later).reshape(complete.shape) - complete)[:, FOUR].mean((0, 1))
    assert np.abs(bias).max() < 2


@pytest.fixture
def start(tmp_path):
    """Runs train.py into `tmp_path`; returns its exit status."""
    return lambda *options: run_script(train, *options, "--runs", tmp_path)


def results_of(folder):
    return json.loads((folder / "config.json").read_text())["results"]


def test_warm_start_of_a_heatmap_net_and_its_validation(narrow_zoo, start, tmp_path, small_folder):
    arguments = ("--model", "heatmap_s", "--data", small_folder, "--epochs", 2)
    assert start(*arguments, "--name", "donor") == 0
    assert start(*arguments, *AWARE, "--init-from", tmp_path / "donor") == 0
    net = load_net(tmp_path / "heatmap_s")
    assert net.config["recipe"]["source_aware"]
    assert net.model.output_shape == (None, 15, 2)
    assert not [layer.name for layer in net.model.layers if "four_point" in layer.name]
    offset = net.config["results"]["partial_offset_px"]
    assert set(offset) == set(FOUR_POINTS)
    # evaluate.py counts rows of both labellers as training did.
    data = data_pipeline.load_faces(small_folder)
    judged = load_nets([str(tmp_path / "heatmap_s")], data, "validation")[0].predictions
    error = metrics.rmse_px(judged.predicted, judged.judged_labels).value()
    assert error == pytest.approx(net.config["results"]["valid_rmse_px"], rel=1e-3)
    answers = keypoint_schema.to_pixels(net.model.predict(data.images, verbose=0))
    added = (judged.predicted - answers)[data.four_point][:, FOUR[0]]
    np.testing.assert_allclose(added, [offset[FOUR_POINTS[0]]] * len(added), atol=0.01)


def test_resume_goes_on_with_the_twin(start, tmp_path, small_folder, monkeypatch):
    net = ("--model", "net1", "--data", small_folder, "--epochs", 4, "--set", "augmentation=flip")
    net += (*LABELLED, *AWARE)
    assert start(*net, "--name", "whole") == 0

    with killed_in_epoch(2, monkeypatch):
        start(*net, "--name", "cut")
    assert start(*net, "--name", "cut", "--resume") == 0
    cut, whole = (results_of(tmp_path / name) for name in ("cut", "whole"))
    assert cut | {"seconds": 0} == whole | {"seconds": 0}
    assert whole["partial_offset_px"]


def test_specialists_of_other_keypoints_have_but_one_labeller(start, tmp_path, small_folder):
    arguments = ("--model", "specialists", "--architecture", "net1", "--data", small_folder)
    assert start(*arguments, "--epochs", 1, *AWARE) == 0
    run = tmp_path / "specialists"
    parts = {
        each.name: results_of(run / each.name)["partial_offset_px"]
        for each in keypoint_schema.SPECIALISTS
    }
    with_both = {name: set(offset) for name, offset in parts.items() if offset}
    assert with_both == {
        "eye_centers": set(FOUR_POINTS[:2]),
        "nose_tip": {"nose_tip"},
        "bottom_lip": {"mouth_center_bottom_lip"},
    }
    pooled = results_of(run)["partial_offset_px"]
    assert pooled == {name: xy for offset in parts.values() for name, xy in offset.items()}


def test_ensemble_has_the_mean_offset(start, tmp_path, small_folder):
    arguments = ("--model", "net1", *LABELLED, "--data", small_folder, "--folds", 2)
    assert start(*arguments, "--epochs", 1, *AWARE) == 0
    run = tmp_path / "net1"
    both = [results_of(run / name)["partial_offset_px"]["nose_tip"] for name in ("fold1", "fold2")]
    results = results_of(run)
    assert results["partial_offset_px"]["nose_tip"] == pytest.approx(np.mean(both, 0))
    # The validation error counts it.
    _, valid = data_pipeline.split(data_pipeline.load_faces(small_folder), seed=1)
    answers = load_net(run).model.predict(valid.images, verbose=0)
    answers = labeller_offset.add(
        keypoint_schema.to_pixels(answers), valid.four_point, NAMES, results["partial_offset_px"]
    )
    error = metrics.rmse_px(answers, valid.keypoints).value()
    assert results["valid_rmse_px"] == pytest.approx(error, rel=1e-2)


def test_without_effect_it_is_refused(start, tmp_path, small_folder, capsys):
    net1 = ("--model", "net1", *AWARE, "--epochs", 1)
    assert start(*net1, "--data", small_folder) == 2
    assert "Add --set rows=labelled" in capsys.readouterr().err.splitlines()[-1]
    images, keypoints = small_data.faces()

    def write(name, rows):
        (tmp_path / name).mkdir()
        text = small_data.training_csv(images[rows], keypoints[rows])
        (tmp_path / name / "training.csv").write_text(text)
        return tmp_path / name

    four_point = np.arange(len(images)) % 3 == 2
    labelled = (*net1, *LABELLED, "--data")
    assert start(*labelled, write("complete", ~four_point)) == 2
    assert "there are none to train" in capsys.readouterr().err.splitlines()[-1]
    assert start(*labelled, write("four_point", four_point)) == 2
    assert "no complete rows to learn from" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "net1").exists()
