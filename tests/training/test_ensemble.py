"""--folds and --hold-out, as a person uses them."""

import dataclasses
import json

import numpy as np
import pytest

import data_pipeline
import evaluate
import keypoint_schema
import models
import train
from errors import UserError
from tests.running import run_script
from trained_nets import run_folder
from trained_nets.held_out import find_held_out
from trained_nets.loading import load_net
from training.executors import serial


@pytest.fixture
def start(small_folder):
    """Runs a script on the small folder; returns its exit status."""
    return lambda script, *options: run_script(script, *options, "--data", small_folder)


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def test_folds_hold_every_group_out_once(small_folder):
    data = data_pipeline.load_faces(str(small_folder))
    folds = data_pipeline.folds(data, 3, seed=1)
    assert sorted(np.concatenate([inside for _, inside in folds])) == list(range(len(data)))
    for outside, inside in folds:
        assert sorted([*outside, *inside]) == list(range(len(data)))
        assert not set(data.groups[outside]) & set(data.groups[inside])
    again = data_pipeline.folds(data, 3, seed=1)
    np.testing.assert_array_equal(folds[0][1], again[0][1])
    with pytest.raises(UserError, match="10000 folds"):
        data_pipeline.folds(data, 10_000, seed=1)


def test_ensemble_answers_with_the_mean_of_its_nets(start, tmp_path, small_folder):
    arguments = ("--model", "net1", "--epochs", 2, "--folds", 2, "--runs", tmp_path)
    assert start(train, *arguments) == 0
    run = run_folder.RunFolder(tmp_path / "net1")
    config = config_of(run.path)
    assert config["results"]["finished"]
    parts = [load_net(run.part(name).path) for name in ("fold1", "fold2")]
    assert [part.config["seed"] for part in parts] == [1, 2]  # of initial weights, among others
    ensemble = load_net(run.path)
    faces = data_pipeline.load_faces(str(small_folder)).images[:5]
    answers = [net.model.predict(faces, verbose=0) for net in (*parts, ensemble)]
    np.testing.assert_allclose(answers[2], (answers[0] + answers[1]) / 2, atol=1e-5)
    assert np.abs(answers[0] - answers[1]).max() > 1e-3
    offset = ensemble.mirror_offset_px["nose_tip"]
    mean = np.mean([net.mirror_offset_px["nose_tip"] for net in parts], axis=0)
    np.testing.assert_allclose(offset, mean, atol=1e-6)


def test_out_of_fold_answers_come_from_the_net_that_left_the_face_out(
    start, tmp_path, small_folder
):
    arguments = ("--model", "net1", "--epochs", 1, "--folds", 2, "--runs", tmp_path)
    assert start(train, *arguments) == 0
    run = run_folder.RunFolder(tmp_path / "net1")
    stored = np.load(run.path / "out_of_fold.npz")["keypoints"]
    data = data_pipeline.load_faces(str(small_folder))
    rows, _ = data_pipeline.split(data, seed=1)
    rows = rows.select(rows.names)
    for number, (_, inside) in enumerate(data_pipeline.folds(rows, 2, seed=1), start=1):
        model = run.part(f"fold{number}").load_model()
        expected = keypoint_schema.to_pixels(model.predict(rows.images[inside], verbose=0))
        np.testing.assert_allclose(stored[inside], expected, atol=1e-2)
    squares = np.square(stored - rows.keypoints)
    pooled = config_of(run.path)["results"]["out_of_fold"]["valid_rmse_px"]
    assert pooled == pytest.approx(np.sqrt(np.nanmean(squares)), rel=1e-4)


def test_a_net_of_an_ensemble_is_judged_by_faces_that_it_left_out(
    start, tmp_path, small_folder, capsys
):
    arguments = ("--model", "net1", "--epochs", 1, "--folds", 3, "--runs", tmp_path)
    assert start(train, *arguments) == 0
    data = data_pipeline.load_faces(str(small_folder))
    rows, valid = (side.select(side.names) for side in data_pipeline.split(data, seed=1))
    for number, (outside, inside) in enumerate(data_pipeline.folds(rows, 3, seed=1), start=1):
        config = config_of(tmp_path / f"net1/fold{number}")
        assert config["data"]["train_rows"] == len(outside)
        assert config["data"]["valid_rows"] == len(inside)
        left_out = data.rows(find_held_out(config, "a fold", data).rows)
        assert not np.isin(left_out.groups, rows.groups[outside]).any()
        assert np.isin(rows.groups[inside], left_out.groups).all()
        assert np.isin(valid.groups, left_out.groups).all()
    capsys.readouterr()
    again = ("--model", "net1", "--epochs", 1, "--name", "again", "--runs", tmp_path, "--seed", 2)
    assert start(train, *again, "--init-from", tmp_path / "net1") == 2
    assert "net1 is not a single net of the zoo" in capsys.readouterr().err
    assert start(train, *again, "--init-from", tmp_path / "net1/fold2") == 0
    assert "net1/fold2 has seen" in capsys.readouterr().out


def test_a_split_that_cannot_be_repeated_is_told(start, tmp_path, small_folder):
    data = data_pipeline.load_faces(str(small_folder))
    assert start(train, "--model", "net1", "--epochs", 1, "--runs", tmp_path) == 0
    config = config_of(tmp_path / "net1")
    assert find_held_out(config, "net1", data).rows.any()
    other_persons = dataclasses.replace(data, groups=data.groups // 2)
    unknown = find_held_out(config, "net1", other_persons)
    assert unknown.rows is None
    assert "split of net1 cannot be repeated" in unknown.reason


def test_ensemble_goes_on_and_is_judged_and_reported(start, tmp_path, capsys):
    arguments = ("--model", "net1", "--epochs", 1, "--folds", 2, "--runs", tmp_path)
    assert start(train, *arguments) == 0
    capsys.readouterr()
    assert start(train, *arguments, "--resume") == 0
    assert capsys.readouterr().out.count("is finished already") == 2
    assert start(evaluate, tmp_path / "net1", "--report", tmp_path / "report") == 0
    assert (tmp_path / "report/figures/learning_curves_net1.png").exists()


def test_nothing_held_out_trains_on_every_face(start, tmp_path, small_folder, capsys):
    arguments = ("--model", "net1", "--epochs", 2, "--hold-out", 0, "--runs", tmp_path)
    assert start(train, *arguments) == 0
    assert "No faces were held out" in capsys.readouterr().out
    config = config_of(tmp_path / "net1")
    data = data_pipeline.load_faces(str(small_folder))
    assert config["data"]["train_rows"] == len(data.select(data.names))
    assert config["data"]["valid_rows"] == 0
    assert config["results"]["best_epoch"] == 2  # the last
    assert "valid_rmse_px" not in config["results"]
    assert start(evaluate, tmp_path / "net1") == 2
    assert "--rows all" in capsys.readouterr().err
    report = tmp_path / "report"
    assert start(evaluate, tmp_path / "net1", "--rows", "all", "--report", report) == 0


def test_specialists_with_nothing_held_out(start, tmp_path):
    arguments = ("--model", "specialists", "--architecture", "net1", "--epochs", 1)
    assert start(train, *arguments, "--hold-out", 0, "--runs", tmp_path) == 0
    results = config_of(tmp_path / "specialists")["results"]
    assert results["finished"]
    assert "valid_rmse_px" not in results


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--hold-out", 1), "--hold-out must be"),
        (("--hold-out", -0.1), "--hold-out must be"),
        (("--folds", 1), "--folds: must be"),
    ],
)
def test_odd_values_are_refused(start, tmp_path, capsys, options, message):
    assert start(train, "--model", "net1", *options, "--runs", tmp_path) == 2
    assert message in capsys.readouterr().err


def test_folds_are_not_for_specialists(start, tmp_path, capsys):
    assert start(train, "--model", "specialists", "--folds", 2, "--runs", tmp_path) == 2
    assert "single net" in capsys.readouterr().err


def test_a_warm_start_that_has_seen_the_folds_is_refused(start, tmp_path, capsys):
    net1 = ("--model", "net1", "--epochs", 1, "--runs", tmp_path)
    assert start(train, *net1) == 0
    folds = (*net1, "--name", "folds", "--folds", 3)
    assert start(train, *folds, "--init-from", tmp_path / "net1") == 2
    assert "has seen faces that the nets of --folds leave out" in capsys.readouterr().err
    assert not (tmp_path / "folds").exists()


def test_ctrl_c_among_the_folds_predicts_nothing_for_those_that_are_done(
    start, tmp_path, monkeypatch
):
    arguments = ("--model", "net1", "--epochs", 1, "--folds", 2, "--runs", tmp_path)
    fit, trained = serial.fit, []

    def interrupted(task, console):
        trained.append(task.model_name)
        results = fit(task, console)
        return dataclasses.replace(results, finished=len(trained) == 1)

    def predict(model, images):
        raise AssertionError("Whoever pressed Ctrl-C would have to wait.")

    monkeypatch.setattr(serial, "fit", interrupted)
    monkeypatch.setattr(models, "predict_pixels", predict)
    assert start(train, *arguments) == 130
    assert trained == ["fold1", "fold2"]
