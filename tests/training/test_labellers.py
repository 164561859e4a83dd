"""Faces from several labellers: who is who, what a net learns of each, and how it answers."""

import dataclasses
import types

import keras
import numpy as np
import pytest
import rich.console

import data_pipeline
import keypoint_schema
import labelling
import models
import predict
import train
from data_pipeline import FaceData
from evaluation import metrics
from keypoint_schema import NAMES
from labelling import FOUR_POINTS, is_four_point
from models import names
from tests import small_data
from tests.killing import killed_in_epoch
from tests.running import results_of, run_script
from trained_nets import run_folder
from trained_nets.loading import load_net, load_run
from trained_nets.predictions import load_nets, predict_as_labelled
from trained_nets.trained_net import flip_averaged
from training import fit as training_fit
from training.fit import fit
from training.sources import load_sources
from training.task import Settings, Task

FOUR = keypoint_schema.indices(FOUR_POINTS)
REST = np.setdiff1d(np.arange(len(NAMES)), FOUR)
LABELLED, APART = ("--set", "rows=labelled"), ("--set", "four_point_labeller=true")
SHIFT = np.array([9, -6], np.float32)  # px; where the four-point labeller puts them
LIPS = ("nose_tip", "mouth_center_top_lip", "mouth_center_bottom_lip")


def test_rows_with_none_but_the_four_keypoints_are_the_four_point_labellers():
    labelled = np.zeros((6, 15), bool)
    labelled[0] = True
    labelled[1, FOUR] = True
    labelled[2, FOUR[:1]] = True
    labelled[3, [*FOUR, REST[0]]] = True
    labelled[4, REST] = True  # row 5 has no labels
    assert is_four_point(labelled, NAMES).tolist() == [False, True, True, False, False, False]
    assert is_four_point(labelled[:, FOUR], FOUR_POINTS).tolist() == [True] * 4 + [False] * 2


def test_a_four_point_labeller_has_four_positions_of_its_own():
    labellers = ("a", "a.four_point", "b")
    assert labelling.positions(labellers, "a", LIPS).tolist() == [0, 1, 2]
    assert labelling.positions(labellers, "a.four_point", LIPS).tolist() == [3, 1, 5]
    assert labelling.positions(labellers, "b", LIPS).tolist() == [6, 7, 8]


def test_rows_of_a_specialist_keep_their_labeller():
    data = FaceData(*small_data.faces(9), np.arange(9)).with_four_point_labeller()
    assert data.labellers == ("unnamed", "unnamed.four_point")
    assert data.labelled_by.tolist() == [0, 0, 1] * 3
    assert data.select(["nose_tip"]).labelled_by.tolist() == [0, 0, 1] * 3  # though alike
    assert data.select(["nose_tip"]).rows([8, 0]).labelled_by.tolist() == [1, 0]
    corners = data.select(["mouth_left_corner", "mouth_right_corner"])
    assert corners.labelled_by.tolist() == [0] * 6


def joined():
    """One face by `a`, one by `b`, whose labels lie 100 px further, with one of them missing."""
    keypoints = np.arange(6, dtype=np.float32).reshape(1, 3, 2)
    image = np.zeros((1, 96, 96, 1), np.uint8)
    other = keypoints + 100
    other[0, 1] = np.nan
    a = FaceData(image, keypoints, np.array([0]), LIPS, labellers=("a",))
    a = dataclasses.replace(a, fingerprint="1", description="a.csv", grouped_by="person")
    b = FaceData(image, other, np.array([0]), LIPS, labellers=("b",))
    b = dataclasses.replace(b, fingerprint="2", description="b.csv", grouped_by="image")
    return data_pipeline.join([a, b])


def test_each_of_two_data_sets_has_a_four_point_labeller_of_its_own():
    data = joined()
    keypoints = data.keypoints.copy()
    keypoints[1, 1] = np.nan  # only keypoints of the four are left
    apart = dataclasses.replace(data, keypoints=keypoints).with_four_point_labeller()
    assert apart.labellers == ("a", "b", "a.four_point", "b.four_point")
    assert apart.labelled_by.tolist() == [0, 3]
    assert apart.sources.tolist() == [0, 1]


def test_each_labeller_has_a_place_of_its_own_among_the_labels():
    data = joined()
    labels = data.by_labeller()
    assert labels.dtype == np.float32
    np.testing.assert_array_equal(labels[0], [[0, 1], [2, 3], [4, 5]] + [[np.nan] * 2] * 3)
    np.testing.assert_array_equal(
        labels[1], [[np.nan] * 2] * 3 + [[100, 101], [np.nan] * 2, [104, 105]]
    )
    predicted = np.arange(24).reshape(2, 6, 2)
    assert data.as_labelled(predicted).tolist() == [
        [[0, 1], [2, 3], [4, 5]],
        [[18, 19], [20, 21], [22, 23]],
    ]


def test_a_label_filled_in_later_is_the_full_labellers():
    keypoints = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    keypoints[1, 1] = np.nan  # only keypoints of the four are left
    images = np.zeros((2, 96, 96, 1), np.uint8)
    data = FaceData(images, keypoints, np.arange(2), LIPS).with_four_point_labeller()
    filled = dataclasses.replace(data, keypoints=np.nan_to_num(keypoints, nan=7)).by_labeller()
    nan = [np.nan] * 2
    np.testing.assert_array_equal(filled[1], [nan, [7, 7], nan, [6, 7], nan, [10, 11]])


def test_joined_data_sets_keep_their_groups_apart():
    data = joined()
    assert data.groups.tolist() == [0, 1]
    assert data.labellers == ("a", "b")
    assert data.sources.tolist() == [0, 1]
    assert (data.description, data.grouped_by) == ("a.csv + b.csv", "person or image")
    assert data.fingerprint not in ("1", "2")


def test_folds_of_joined_data_sets_are_those_of_each_alone():
    parts = [FaceData(*small_data.faces(20, seed), np.arange(20)) for seed in (5, 6)]
    named = [
        dataclasses.replace(part, labellers=(name,)) for part, name in zip(parts, "ab", strict=True)
    ]
    both = data_pipeline.folds(data_pipeline.join(named), 4, seed=3)
    alone = data_pipeline.folds(parts[0], 4, seed=3)
    for (outside, inside), (own_outside, own_inside) in zip(both, alone, strict=True):
        assert outside.tolist() == [*own_outside, *(own_outside + 20)]
        assert inside.tolist() == [*own_inside, *(own_inside + 20)]


def test_built_in_faces_know_their_labeller_by_the_labels_that_are_left(monkeypatch):
    monkeypatch.setattr(data_pipeline.loading, "NUM_SYNTHETIC_TRAINING", 60)
    data = data_pipeline.load_faces().with_four_point_labeller()
    four_point = data.labelled_by == data.labellers.index("drawn.four_point")
    assert 0.5 < four_point.mean() < 0.8
    assert np.isnan(data.keypoints[four_point][:, REST]).all()


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
    monkeypatch.setattr(names, "NETS", tuple(zoo))
    return recipe


def test_each_labellers_answers_are_learned_apart(tiny_zoo, tmp_path):
    images, keypoints, _ = two_labellers(420)
    data = FaceData(images, keypoints, np.arange(420), fingerprint="two labellers")
    later, _, complete = two_labellers(60, seed=8)

    def train_tiny(data, name):
        task = Task(
            net="tiny",
            model_name="tiny",
            recipe=tiny_zoo,
            train=data.rows(slice(120)),
            valid=data.rows(slice(120, None)),
            run=run_folder.RunFolder(tmp_path / name),
            settings=Settings(seed=1, precision="float32"),
        )
        return fit(task, rich.console.Console(quiet=True)), load_net(tmp_path / name)

    mixed, mixed_net = train_tiny(data, "mixed")
    results, net = train_tiny(data.with_four_point_labeller(), "apart")
    errors = [
        metrics.rmse_px(each.predict(later)[:, FOUR], complete[:, FOUR]).value()
        for each in (mixed_net, net)
    ]
    assert errors[1] < 0.8 * errors[0]
    other = net.as_labeller("unnamed.four_point")
    moved = (other.predict(later) - net.predict(later)).mean(0)
    np.testing.assert_allclose(moved[FOUR], [SHIFT] * 4, atol=1.5)
    np.testing.assert_allclose(moved[REST], 0, atol=1e-3)
    # The full labeller's labels are mirror-symmetric, the other one's lie to the right.
    own, others = (results.mirror_offset_px[each] for each in net.labellers)
    assert np.abs(list(own.values())).max() < 1
    assert np.mean([others[name][0] for name in FOUR_POINTS]) == pytest.approx(9, abs=1)
    assert np.mean([mixed.mirror_offset_px["unnamed"][name][0] for name in FOUR_POINTS]) > 3
    # Each row is judged as its own labeller labels.
    assert results.validation.rmse_px < 0.92 * mixed.validation.rmse_px
    assert set(results.validation.per_labeller) == set(net.labellers)


@pytest.fixture
def start(tmp_path):
    """Runs train.py into `tmp_path`; returns its exit status."""
    return lambda *options: run_script(train, *options, "--runs", tmp_path)


@pytest.fixture
def second_folder(tmp_path):
    """A second data set, `people`, whose labels lie 5 px further right."""
    folder = tmp_path / "people"
    folder.mkdir()
    images, keypoints = small_data.faces(30, seed=9)
    complete = np.isfinite(keypoints).all((1, 2))
    text = small_data.training_csv(images[complete], keypoints[complete] + (5, 0))
    (folder / "training.csv").write_text(text)
    return folder


def test_two_data_sets_are_learned_and_judged_each_as_its_labeller_labels(
    narrow_zoo, start, tmp_path, small_folder, second_folder, capsys
):
    arguments = ("--model", "heatmap_s", "--data", small_folder, "--data", second_folder)
    assert start(*arguments, "--epochs", 2, *APART) == 0
    name = small_folder.name
    assert f"Labellers: {name}, {name}.four_point, people." in capsys.readouterr().out
    run = tmp_path / "heatmap_s"
    net = load_net(run)
    assert (net.labellers, net.labels_of) == ((name, f"{name}.four_point", "people"), name)
    assert net.model.output_shape == (None, 15, 2)
    assert net.whole.output_shape == (None, 45, 2)
    judged = []
    for folder in (small_folder, second_folder):
        data = data_pipeline.load_faces(folder)
        judged.append(load_nets([str(run)], data, "validation")[0].predictions)
        held_out = np.isfinite(judged[-1].judged_labels).any((1, 2))
        _, valid = data_pipeline.split(data, seed=1)
        assert held_out.sum() == len(valid.labelled())
    predicted, labels = (
        np.concatenate([getattr(each, what) for each in judged])
        for what in ("predicted", "judged_labels")
    )
    error = metrics.rmse_px(predicted, labels).value()
    assert error == pytest.approx(results_of(run)["valid_rmse_px"], rel=1e-3)
    assert "predicting the labels of people" in judged[1].description
    images = data_pipeline.load_faces(second_folder).images
    whole = keypoint_schema.to_pixels(net.whole.predict(images, verbose=0))
    np.testing.assert_allclose(judged[1].predicted, whole[:, 30:], atol=0.02)
    (as_first,) = load_nets([str(run)], data, "validation", labels_of=name)
    np.testing.assert_allclose(as_first.predictions.predicted, whole[:, :15], atol=0.02)
    # A warm start for the same labellers copies every output, for one labeller its default ones.
    assert start(*arguments, "--epochs", 1, *APART, "--name", "again", "--init-from", run) == 0
    alone = arguments[:4]
    assert start(*alone, "--epochs", 1, "--name", "alone", "--init-from", run) == 0
    assert "left fresh: nothing" in capsys.readouterr().out


def test_predict_answers_as_any_labeller(start, tmp_path, small_folder, second_folder, capsys):
    arguments = ("--model", "net1", "--data", small_folder, "--data", second_folder)
    assert start(*arguments, *LABELLED, *APART, "--epochs", 1) == 0
    run, file = tmp_path / "net1", tmp_path / "submission.csv"

    def locations(*options):
        submit = ("--data", small_folder, "--submission", file)
        assert run_script(predict, run, *submit, *options) == 0
        return np.loadtxt(file, delimiter=",", skiprows=1)[:, 1]

    images, _ = data_pipeline.load_test(small_folder)
    net = load_net(run)
    full, four, people = (net.as_labeller(each) for each in net.labellers)

    def expected(net, four_points):
        whole, four = (each.predict(images) for each in (net, four_points))
        # The table asks every second face for all keypoints, the others for the four alone.
        asked = [four[row, FOUR] if row % 2 else whole[row] for row in range(len(images))]
        return np.clip(np.concatenate([points.ravel() for points in asked]), 0, 96)

    np.testing.assert_allclose(locations(), expected(full, four), atol=1e-3)
    np.testing.assert_allclose(
        locations("--labels-of", "people"), expected(people, people), atol=1e-3
    )
    averaged = expected(flip_averaged(full), flip_averaged(four))
    np.testing.assert_allclose(locations("--flip-average"), averaged, atol=1e-3)
    for own in (slice(None, 30), slice(30, 38)):  # of either labeller
        assert np.abs(averaged - expected(full, four))[own].max() > 0.1
    submit = ("--data", small_folder, "--submission", file, "--labels-of", "nobody")
    assert run_script(predict, run, *submit) == 2
    assert "cannot answer as nobody labels" in capsys.readouterr().err


def test_resume_goes_on_with_every_labeller(start, tmp_path, small_folder, monkeypatch):
    net = ("--model", "net1", "--data", small_folder, "--epochs", 4, "--set", "augmentation=flip")
    net += (*LABELLED, *APART)
    assert start(*net, "--name", "whole") == 0

    with killed_in_epoch(2, monkeypatch):
        start(*net, "--name", "cut")
    assert start(*net, "--name", "cut", "--resume") == 0
    cut, whole = (results_of(tmp_path / name) for name in ("cut", "whole"))
    assert cut | {"seconds": 0} == whole | {"seconds": 0}
    assert len(whole["mirror_offset_px"]) == 2


def test_specialists_answer_as_each_labeller(start, tmp_path, small_folder):
    arguments = ("--model", "specialists", "--architecture", "net1", "--data", small_folder)
    assert start(*arguments, "--epochs", 1, *APART) == 0
    net = load_net(tmp_path / "specialists")
    images = small_data.faces()[0][:4]
    moved = net.as_labeller(net.labellers[1]).predict(images) - net.predict(images)
    assert (np.abs(moved[:, FOUR]) > 1e-3).all()
    np.testing.assert_allclose(moved[:, REST], 0, atol=1e-4)
    parts = [
        results_of(tmp_path / "specialists" / each.name) for each in keypoint_schema.SPECIALISTS
    ]
    pooled = results_of(tmp_path / "specialists")
    labels = [part["valid_per_labeller"][net.labellers[0]]["labels"] for part in parts]
    assert pooled["valid_per_labeller"][net.labellers[0]]["labels"] == sum(labels)


def test_an_ensembles_errors_are_by_each_rows_labeller(start, tmp_path, small_folder):
    arguments = ("--model", "net1", *LABELLED, "--data", small_folder, "--folds", 2)
    assert start(*arguments, "--epochs", 1, *APART) == 0
    run = run_folder.RunFolder(tmp_path / "net1")
    results = results_of(run.path)
    data = data_pipeline.load_faces(small_folder).with_four_point_labeller()
    _, valid = data_pipeline.split(data, seed=1)
    predicted = predict_as_labelled(load_run(run), valid)
    error = metrics.rmse_px(predicted, valid.keypoints).value()
    assert results["valid_rmse_px"] == pytest.approx(error, rel=1e-4)
    plain = load_run(run).predict(valid.images)
    assert np.abs(predicted - plain)[valid.labelled_by == 1][:, FOUR].min() > 0
    np.testing.assert_allclose(
        predicted[valid.labelled_by == 0], plain[valid.labelled_by == 0], 1e-5
    )


def test_what_cannot_be_learned_is_refused(start, tmp_path, small_folder, capsys):
    net1 = ("--model", "net1", "--epochs", 1)
    assert start(*net1, *APART, "--data", small_folder) == 2
    assert "Add --set rows=labelled" in capsys.readouterr().err.splitlines()[-1]
    images, keypoints = small_data.faces()

    def write(name, rows):
        (tmp_path / name).mkdir()
        text = small_data.training_csv(images[rows], keypoints[rows])
        (tmp_path / name / "training.csv").write_text(text)
        return tmp_path / name

    four_point = np.arange(len(images)) % 3 == 2
    labelled = (*net1, *LABELLED, *APART, "--data")
    assert start(*labelled, write("complete", ~four_point)) == 2
    assert "there are none. Leave it out." in capsys.readouterr().err.splitlines()[-1]
    assert start(*labelled, write("four_point", four_point)) == 2
    assert "no face to train on has a" in capsys.readouterr().err.splitlines()[-1]
    two = ("--data", small_folder, "--data")
    assert start(*net1, *two, small_folder) == 2
    assert "have the same faces" in capsys.readouterr().err.splitlines()[-1]
    (tmp_path / "other").mkdir()
    (tmp_path / "complete").rename(tmp_path / "other" / small_folder.name)
    assert start(*net1, *two, tmp_path / "other" / small_folder.name) == 2
    assert "Rename one of them" in capsys.readouterr().err.splitlines()[-1]
    specialists = ("--model", "specialists", "--data", small_folder)
    assert start(*specialists, "--set", "nose_tip.four_point_labeller=true") == 2
    assert "for all specialists together" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "net1").exists()


@pytest.fixture
def overlapping(tmp_path):
    """Two data sets, whose first 40 pictures are the same, labelled by two."""
    images, keypoints = small_data.faces()
    for name, some in (("one", slice(0, 60)), ("two", slice(0, 40))):
        (tmp_path / name).mkdir()
        table = small_data.training_csv(images[some], keypoints[some] + (name == "two"))
        (tmp_path / name / "training.csv").write_text(table)
    return [tmp_path / "one", tmp_path / "two"]


def pictures_of(data):
    return {image.tobytes() for image in np.asarray(data.images)}


def test_each_data_set_is_split_as_it_is_alone(overlapping):
    sources = load_sources(overlapping, 2, 0.3, False)
    for data, *sides in zip(sources.data, sources.train, sources.valid, strict=True):
        for side, expected in zip(sides, data_pipeline.split(data, 2, 0.3), strict=True):
            np.testing.assert_array_equal(side.groups, expected.groups)


def test_no_picture_is_on_both_sides_of_several_data_sets(overlapping):
    train, valid = load_sources(overlapping, 1, 0.2, False).joined()
    assert pictures_of(train) & pictures_of(valid)
    apart = data_pipeline.without_pictures_of(train, valid)
    assert not pictures_of(apart) & pictures_of(valid)
    assert pictures_of(apart) == pictures_of(train) - pictures_of(valid)
    half = np.arange(len(valid)) % 2 == 0
    again = data_pipeline.without_pictures_of(train, valid.rows(half), valid.rows(~half))
    assert pictures_of(again) == pictures_of(apart)
    one, _ = load_sources(overlapping[:1], 1, 0.2, False).joined()
    assert data_pipeline.without_pictures_of(one, one) is one  # its groups saw to that


@pytest.mark.parametrize("folds", [(), ("--folds", 2)])
def test_training_leaves_out_what_another_data_set_holds_out(
    overlapping, folds, tmp_path, monkeypatch, capsys
):
    tasks = []
    check = training_fit.check
    monkeypatch.setattr(training_fit, "check", lambda task: tasks.append(task) or check(task))
    both = [option for folder in overlapping for option in ("--data", folder)]
    arguments = ("--model", "net1", *LABELLED, *both, "--runs", tmp_path / "runs", "--epochs", 1)
    assert run_script(train, *arguments, *folds) == 0
    assert len(tasks) == (2 if folds else 1)
    for task in tasks:
        assert not pictures_of(task.train) & pictures_of(task.valid)
    assert ("are held out of another data set" in capsys.readouterr().out) == (not folds)


def test_a_warm_start_begins_with_the_answers_of_the_donors_labeller_of_that_name(
    narrow_zoo, monkeypatch
):
    keras.utils.set_random_seed(1)
    whole = models.build("heatmap_s", 4)
    donor = types.SimpleNamespace(
        names=LIPS[:2], labellers=("a", "b"), labels_of="a", whole=whole, model=None
    )
    images = np.random.default_rng(1).integers(0, 256, (2, 96, 96, 1)).astype(np.uint8)
    answers = whole(images).numpy()
    assert np.abs(answers[:, :2] - answers[:, 2:]).max() > 1e-3
    by_a, by_b = answers[:, :2], answers[:, 2:]
    for labellers, expected in {
        ("b",): [by_b],
        ("b", "a"): [by_b, by_a],
        ("new", "b"): [by_a, by_b],
        ("b", "b.four_point"): [by_b, by_b],
    }.items():
        task = types.SimpleNamespace(
            settings=types.SimpleNamespace(warm_start=donor),
            train=types.SimpleNamespace(names=LIPS[:2], labellers=labellers),
        )
        model = models.build("heatmap_s", 2 * len(labellers))
        assert training_fit._warm_start(model, task) == []
        np.testing.assert_allclose(model(images), np.concatenate(expected, axis=1), atol=1e-5)
