"""evaluate.py, end to end: what a person would look at."""

import base64
import csv
import dataclasses
import json
import os
import pathlib
import re
import shutil

import numpy as np
import pandas as pd
import pytest

import data_pipeline
import evaluate
import evaluation.report
import keypoint_schema
from errors import UserError
from evaluation import figures, metrics, tables
from evaluation.judgement import judge
from exporting import export_saved_model
from tests import run_fixtures, small_data
from tests.running import run_script
from trained_nets import predictions
from trained_nets.loading import load_net


@pytest.fixture(scope="module")
def data(small_folder):
    return data_pipeline.load_faces(small_folder)


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """A good net, one 3 px off, and specialists 1 px off."""
    folder = tmp_path_factory.mktemp("runs")
    return [
        run_fixtures.write_run(folder / "near", data),
        run_fixtures.write_run(folder / "far", data, offset=3.0),
        run_fixtures.write_specialists(folder / "six", data, offset=1.0),
    ]


@pytest.fixture
def quick_figures(monkeypatch):
    """Draws no figure, where what a report's figures look like does not matter."""
    monkeypatch.setattr(evaluation.report, "rendered", lambda figure, kind: b"a picture")


def test_validation_counts_exactly_the_faces_that_the_run_held_out(data, runs):
    net = predictions.load_nets([runs[0]], data, "validation")[0].predictions
    _, valid = data_pipeline.split(data, seed=0)
    counted = np.isfinite(net.judged_labels).any((1, 2))
    np.testing.assert_array_equal(data.images[counted], valid.images)
    np.testing.assert_array_equal(net.judged_labels[counted], valid.keypoints)
    assert np.isnan(valid.keypoints).any()  # partly labelled faces count too
    assert not (np.isfinite(net.judged_labels) & np.isfinite(net.training_labels)).any()


def test_training_rows_are_those_with_all_labels_of_a_net(data, runs):
    one, _, six = (net.predictions for net in predictions.load_nets(runs, data, "validation"))
    train, _ = data_pipeline.split(data, seed=0)
    assert np.isfinite(one.training_labels).sum() == train.select(train.names).keypoints.size
    for specialist in keypoint_schema.SPECIALISTS:
        columns = keypoint_schema.indices(specialist.keypoints)
        expected = train.select(specialist.keypoints).keypoints.size
        assert np.isfinite(six.training_labels[:, columns]).sum() == expected


def test_partly_labelled_training_rows_count_if_the_recipe_takes_them(data, tmp_path):
    path = run_fixtures.write_run(tmp_path / "all", data)
    config = json.loads((path / "config.json").read_text()) | {"recipe": {"rows": "labelled"}}
    (path / "config.json").write_text(json.dumps(config))
    net = predictions.load_nets([path], data, "validation")[0].predictions
    train, _ = data_pipeline.split(data, seed=0)
    assert np.isfinite(net.training_labels).sum() == np.isfinite(train.keypoints).sum()


def test_an_entry_that_is_null_is_as_one_that_is_not_there(data, tmp_path):
    path = run_fixtures.write_run(tmp_path / "nulls", data)
    config = json.loads((path / "config.json").read_text()) | {"recipe": None, "results": None}
    (path / "config.json").write_text(json.dumps(config))
    net = predictions.load_nets([path], data, "validation")[0].predictions
    assert net.epochs is None
    train, _ = data_pipeline.split(data, seed=0)
    expected = train.select(train.names).keypoints.size
    assert np.isfinite(net.training_labels).sum() == expected


def test_all_rows_count_every_label(data, runs):
    net = predictions.load_nets([runs[0]], data, "all")[0].predictions
    np.testing.assert_array_equal(net.judged_labels, data.keypoints)
    assert net.training_labels is None


def of_other_data(path, data):
    """A run that was trained on other data."""
    run_fixtures.write_run(path, data)
    config = json.loads((path / "config.json").read_text())
    config["data"] = {"fingerprint": "other", "description": "other faces"}
    (path / "config.json").write_text(json.dumps(config))
    return path


def note_about(nets, data):
    return tables.summary_table([evaluate_one(net, data) for net in nets]).note


def test_the_note_says_whether_a_net_trained_on_the_labels_that_count(data, runs, tmp_path):
    other = of_other_data(tmp_path / "other", data)
    held_out = note_about(predictions.load_nets(runs[:2], data, "validation"), data)
    assert "RMSE is over every label of the faces that each net's run held out" in held_out
    every = note_about(predictions.load_nets([runs[0], other], data, "all"), data)
    assert "RMSE of near is over every label, also those that the net trained on" in every
    assert "RMSE of other is over every label; by their fingerprint" in every


def test_the_note_says_how_the_losses_of_specialists_are_averaged(data, runs):
    nets = predictions.load_nets(runs, data, "validation")
    said = "Of specialists, epochs are a sum, and train and valid loss are means weighted by"
    assert said in note_about(nets, data)
    assert said not in note_about(nets[:2], data)


def test_every_scope_of_labels_has_a_sentence_of_its_own(data, runs):
    net = predictions.load_nets([runs[0]], data, "all")[0]
    scopes = evaluation.LabelScope
    changed = [dataclasses.replace(net.predictions, scope=scope) for scope in scopes]
    notes = {note_about([dataclasses.replace(net, predictions=each)], data) for each in changed}
    assert len(notes) == len(scopes)


def test_losses_are_those_of_the_epoch_that_was_kept(data, runs):
    for net in predictions.load_nets(runs, data, "validation"):
        assert net.predictions.valid_loss == pytest.approx(0.009)
        assert net.predictions.train_loss == pytest.approx(0.007)


def test_losses_of_specialists_are_weighted_by_their_numbers_of_keypoints(data, tmp_path):
    path = run_fixtures.write_specialists(tmp_path / "six", data)
    history = pd.read_csv(path / "eye_centers/history.csv")
    history[["train_loss", "valid_loss"]] *= 4
    history.to_csv(path / "eye_centers/history.csv", index=False)
    net = predictions.load_nets([path], data, "validation")[0].predictions
    assert net.train_loss == pytest.approx(0.007 * (13 + 2 * 4) / 15)
    assert net.valid_loss == pytest.approx(0.009 * (13 + 2 * 4) / 15)


@pytest.mark.parametrize(
    "results", [None, {"epochs_run": 5, "seconds": 0.5, "best_epoch": 5, "finished": False}]
)
def test_losses_of_a_killed_training_are_those_of_the_smallest_error(data, tmp_path, results):
    """It has no results, or those of an epoch that its history had to give up."""
    path = run_fixtures.write_run(tmp_path / "killed", data)
    config = json.loads((path / "config.json").read_text())
    del config["results"]
    config |= {"results": results} if results else {}
    (path / "config.json").write_text(json.dumps(config))
    net = predictions.load_nets([path], data, "all")[0].predictions
    assert (net.valid_loss, net.train_loss) == (pytest.approx(0.008), pytest.approx(0.01))


def test_losses_of_a_killed_training_without_validation_are_the_last_ones(data, tmp_path):
    path = run_fixtures.write_run(tmp_path / "all_faces", data)
    history = pd.read_csv(path / "history.csv").assign(valid_loss=np.nan)
    history.to_csv(path / "history.csv", index=False)
    config = json.loads((path / "config.json").read_text())
    del config["results"]
    (path / "config.json").write_text(json.dumps(config))
    net = predictions.load_nets([path], data, "all")[0].predictions
    assert (net.valid_loss, net.train_loss) == (None, pytest.approx(0.005))


def test_other_data_is_refused_unless_all_rows_count(data, tmp_path):
    other = of_other_data(tmp_path / "other", data)
    with pytest.raises(UserError, match="other faces.*--rows all"):
        predictions.load_nets([other], data, "validation")
    assert predictions.load_nets([other], data, "all")[0].predictions.name == "other"


def test_a_net_of_other_data_takes_the_split_of_the_first_run_that_has_one(data, runs, tmp_path):
    other = of_other_data(tmp_path / "other", data)
    every = run_fixtures.write_run(tmp_path / "every", data)
    config = json.loads((every / "config.json").read_text())
    config["data"]["hold_out"] = 0
    (every / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"every was trained on every face.*--rows all"):
        predictions.load_nets([other, every, runs[0]], data, "validation")
    taken, preset, near = (
        net.predictions
        for net in predictions.load_nets([other, "preset:heatmap_s", runs[0]], data, "validation")
    )
    for net in (taken, preset):
        np.testing.assert_array_equal(net.judged_labels, near.judged_labels)
        assert net.scope == evaluation.LabelScope.HELD_OUT_OF_OTHER_DATA
        assert net.training_labels is None
    assert near.scope == evaluation.LabelScope.HELD_OUT
    with pytest.raises(UserError, match="heatmap_s was trained on every face.*--rows all"):
        predictions.load_nets(["preset:heatmap_s"], data, "validation")


def test_runs_of_one_name_are_told_apart(data, tmp_path):
    paths = [run_fixtures.write_run(tmp_path / part / "net", data) for part in "ab"]
    names = [net.predictions.name for net in predictions.load_nets(paths, data, "all")]
    assert names == [str(path) for path in paths]


def test_tables_on_the_terminal_and_in_files(
    quick_figures, data, runs, small_folder, tmp_path, capsys
):
    folder, file = tmp_path / "out" / "report", tmp_path / "out" / "results.json"
    options = ["--data", small_folder, "--report", folder, "--json", file]
    assert run_script(evaluate, *runs, *options) == 0
    shown = capsys.readouterr().out
    assert "mean face" in shown
    assert "six mean faces" in shown
    assert "better: near" in shown

    _, valid = data_pipeline.split(data, seed=0)
    by_hand = load_net(runs[1]).predict_all(valid.images)
    rmse = metrics.rmse_px(by_hand, valid.keypoints).value()
    rows = list(csv.DictReader((folder / "nets.csv").open()))
    assert [row["net"] for row in rows] == ["near", "far", "six"]
    assert float(rows[1]["rmse_px"]) == pytest.approx(rmse)
    assert float(rows[1]["rmse_px_low"]) < rmse < float(rows[1]["rmse_px_high"])
    assert rows[1]["rmse_px.nose_tip"]
    record = json.loads(file.read_text())
    assert record["nets"][1]["rmse_px"]["value"] == pytest.approx(rmse)
    assert set(record["nets"][1]["rmse_px_by_keypoint"]) == set(keypoint_schema.NAMES)
    assert record["comparisons"][0]["difference"]["value"] > 0
    assert (folder / "results.json").read_bytes() == file.read_bytes()
    markdown = (folder / "tables.md").read_text()
    assert "| far | mean face | 4 | 0.007000 | " in markdown
    assert f"{rmse:.2f} [" in markdown


def test_a_net_whose_training_is_not_finished_is_judged_with_a_warning(
    data, runs, small_folder, tmp_path, capsys
):
    path = run_fixtures.write_run(tmp_path / "stopped", data)
    config = json.loads((path / "config.json").read_text())
    config["results"]["finished"] = False
    (path / "config.json").write_text(json.dumps(config))
    assert run_script(evaluate, *runs, path, "--data", small_folder) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert f"The training of {path} is not finished" in line


def test_a_net_of_one_specialist_is_judged_by_its_own_keypoints(data, runs, small_folder, tmp_path):
    net = predictions.load_nets([runs[2] / "nose_tip"], data, "validation")[0]
    judgement = evaluate_one(net, data)
    assert list(judgement.keypoints) == ["nose_tip"]
    assert list(judgement.specialists) == ["nose_tip"]
    _, valid = data_pipeline.split(data, seed=0)
    nose = keypoint_schema.indices(["nose_tip"])
    assert judgement.labels == np.isfinite(valid.keypoints[:, nose]).sum()


def evaluate_one(net, data):
    return judge(net.predictions, data.keypoints, data.groups, 0.1)


def test_the_report_opens_from_disk_with_everything_inside(runs, small_folder, tmp_path, capsys):
    folder = tmp_path / "report"
    options = ["--data", small_folder, "--report", folder]
    assert run_script(evaluate, runs[0], runs[2], *options) == 0
    page = (folder / "index.html").read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    sources = re.findall(r'src="data:image/(png|svg\+xml);base64,([^"]+)"', page)
    starts = {"png": b"\x89PNG", "svg+xml": b"<?xml"}
    assert all(base64.b64decode(text).startswith(starts[kind]) for kind, text in sources)
    expected = {"cumulative_error", "flip", "near_and_six"}
    expected |= {"learning_curves_near", "specialist_curves_six"}
    for name in ("near", "six"):
        expected |= {f"{kind}_{name}" for kind in ("predictions", "best_and_worst")}
        expected.add(f"keypoint_errors_{name}")
    expected.add("filters_near")
    expected |= {f"filters_six_{each.name}" for each in keypoint_schema.SPECIALISTS}
    assert {file.stem for file in (folder / "figures").iterdir()} == expected
    assert len(sources) == len(expected)
    assert "Paired comparison" in page
    assert "RMSE of the six nets of six by" in page  # a report may have several specialists runs
    assert "8 test faces" in page
    assert str(folder / "index.html") in capsys.readouterr().out


@pytest.mark.parametrize("root", ["../work", "absolute"])
def test_a_report_about_runs_of_one_name_stays_in_its_folder(
    quick_figures, data, small_folder, tmp_path, monkeypatch, root
):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    root = tmp_path / "work" if root == "absolute" else pathlib.Path(root)
    # Nor are these two the same when slashes have become dashes.
    paths = [run_fixtures.write_run(root / part / "net", data) for part in ("a/b", "a-b")]
    before = set(tmp_path.rglob("*"))
    options = ["--data", small_folder, "--report", tmp_path / "report"]
    assert run_script(evaluate, *paths, *options) == 0
    made = set(tmp_path.rglob("*")) - before
    figures = [path for path in made if path.parent == tmp_path / "report" / "figures"]
    top = tmp_path / "report"
    files = {top / name for name in ("index.html", "tables.md", "nets.csv", "results.json")}
    assert made == {top, *files, top / "figures", *figures}
    assert all(re.fullmatch(r"\w[\w.-]*\.(png|svg)", path.name) for path in figures)
    page = (top / "index.html").read_text()
    stems = re.findall(r'<figure id="([^"]+)"', page)
    assert len(stems) == len(set(stems))
    assert {path.stem for path in figures} == set(stems)
    assert sum(stem.startswith("predictions_") for stem in stems) == 2


def test_a_report_holds_a_net_and_data_whose_names_are_not_utf_8(
    data, small_folder, tmp_path, capsys
):
    run = run_fixtures.write_run(tmp_path / "run", data)
    odd = run.rename(tmp_path / os.fsdecode(b"caf\xe9"))
    faces = shutil.copytree(small_folder, tmp_path / os.fsdecode(b"faces\xe9"))
    file, folder = tmp_path / "o.json", tmp_path / "report"
    assert run_script(evaluate, odd, "--data", faces, "--json", file, "--report", folder) == 0
    assert json.loads(file.read_text("utf-8"))["nets"][0]["net"] == "caf\\udce9"
    assert "| caf\\udce9 | mean face |" in (folder / "tables.md").read_text("utf-8")
    assert (folder / "figures" / "predictions_caf-udce9.png").exists()


@pytest.fixture(scope="module")
def no_nose_tip(tmp_path_factory):
    """A folder with faces none of which has a nose tip."""
    folder = tmp_path_factory.mktemp("no_nose_tip")
    images, keypoints = (array[:12] for array in small_data.faces())
    keypoints = keypoints.copy()
    keypoints[:, keypoint_schema.indices(["nose_tip"])] = np.nan
    (folder / "training.csv").write_text(small_data.training_csv(images, keypoints))
    return folder


@pytest.mark.parametrize("nets", [1, 5])  # with and without room for intervals
def test_a_keypoint_without_labels_has_no_number(runs, no_nose_tip, tmp_path, nets):
    data = data_pipeline.load_faces(no_nose_tip)
    copies = [shutil.copytree(runs[0], tmp_path / f"near{number}") for number in range(nets)]
    judged = [evaluate_one(net, data) for net in predictions.load_nets(copies, data, "all")]
    for table in (tables.keypoint_table(judged), tables.specialist_table(judged)):
        rows = {name: cells for name, *cells in table.rows}
        assert rows.pop("nose tip") == ["–"] * nets
        assert all(re.match(r"\d+\.\d\d", cell) for cells in rows.values() for cell in cells)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_report_about_faces_without_a_keypoint_warns_of_nothing(runs, no_nose_tip, tmp_path):
    options = ["--data", no_nose_tip, "--rows", "all", "--report", tmp_path]
    assert run_script(evaluate, runs[0], *options) == 0
    assert (tmp_path / "figures" / "keypoint_errors_near.png").exists()


def test_an_exported_model_takes_the_split_of_the_run_beside_it(data, runs, tmp_path):
    exported = tmp_path / "exports" / "far"
    export_saved_model(load_net(runs[1]), exported)
    with pytest.raises(UserError, match="--rows all"):
        predictions.load_nets([exported], data, "validation")
    near, far = predictions.load_nets([runs[0], exported], data, "validation")
    np.testing.assert_array_equal(near.predictions.judged_labels, far.predictions.judged_labels)
    from_run = load_net(runs[1]).predict_all(data.images)
    np.testing.assert_allclose(far.predictions.predicted, from_run, atol=1e-3)
    assert far.predictions.scope == evaluation.LabelScope.HELD_OUT_BY_ANOTHER
    (every,) = predictions.load_nets([exported / "1"], data, "all")
    assert every.predictions.scope == evaluation.LabelScope.UNKNOWN
    assert every.predictions.name == "far"
    other = of_other_data(tmp_path / "other", data)
    with pytest.raises(UserError, match=f"^{re.escape(str(other))} was trained on other data"):
        predictions.load_nets([exported, other], data, "validation")
    version = load_net(exported / "1")
    assert version.names == keypoint_schema.NAMES
    assert version.predict(data.images[:0]).shape == (0, 15, 2)


def test_an_exported_model_on_another_backend_is_told(tmp_path, monkeypatch):
    (tmp_path / "1").mkdir()
    (tmp_path / "1/saved_model.pb").touch()
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    with pytest.raises(UserError, match="TensorFlow alone can run. Unset KERAS_BACKEND"):
        load_net(tmp_path)


def test_a_net_that_is_named_twice_is_refused_before_it_is_loaded(data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        UserError, match="Received: runs/x and ./runs/../runs/x, which are the same"
    ):
        predictions.load_nets(["runs/x", "runs/y", "./runs/../runs/x"], data, "all")
    with pytest.raises(UserError, match="named only once. Received: preset:a and preset:a,"):
        predictions.load_nets(["preset:a", "preset:a"], data, "all")


def test_a_run_that_is_called_by_a_number_keeps_its_name(data, tmp_path):
    run_fixtures.write_run(tmp_path / "7", data)
    assert predictions.load_nets([tmp_path / "7"], data, "all")[0].predictions.name == "7"


@pytest.mark.parametrize(
    ("option", "place"), [("--json", "file/x"), ("--json", "."), ("--report", "file")]
)
def test_places_for_results_are_tried_before_the_work(tmp_path, monkeypatch, capsys, option, place):
    (tmp_path / "file").touch()
    monkeypatch.setattr(data_pipeline, "load_faces", lambda path: pytest.fail("worked first"))
    assert run_script(evaluate, "preset:heatmap_s", option, tmp_path / place) == 2
    error = capsys.readouterr().err
    assert re.search("is a file and no folder|is a folder. Name a file in it", error)
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_nothing_to_load_is_one_clear_error(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        load_net(tmp_path / "nothing")
    with pytest.raises(UserError, match="neither a run folder nor a SavedModel"):
        load_net(tmp_path)


@pytest.mark.parametrize("threshold", ["0", "1.1", "nan"])
def test_mistakes_on_the_command_line_are_told(capsys, threshold):
    assert run_script(evaluate, "runs/x", "--threshold", threshold) == 2
    assert "--threshold must be above 0" in capsys.readouterr().err


def test_a_face_counts_as_a_failure_above_the_asked_threshold_or_a_tenth(
    runs, small_folder, capsys
):
    assert evaluate.parse_arguments(["net"]).threshold == 0.1
    options = ["--data", small_folder, "--threshold", "0.07"]
    assert run_script(evaluate, runs[0], *options) == 0
    assert "NME > 7%" in capsys.readouterr().out


def with_last_losses(path, train, valid):
    """Appends a row to a history, as of an epoch that diverged."""
    with open(path / "history.csv", "a") as file:
        file.write(f"5,{train},{valid},1,,0.1,0.01,0.9\n")


@pytest.mark.parametrize(("train", "valid"), [("inf", ""), ("", ""), ("0.1", "inf"), ("0.1", "")])
def test_an_epoch_that_diverged_is_not_drawn(data, small_folder, tmp_path, train, valid):
    paths = [
        run_fixtures.write_run(tmp_path / "one", data),
        run_fixtures.write_specialists(tmp_path / "six", data),
    ]
    for path in (paths[0], paths[1] / "nose_tip"):
        with_last_losses(path, train, valid)
    one, six = predictions.load_nets(paths, data, "all")
    for history in (one.histories["one"], six.histories["nose_tip"]):
        assert list(history.table["epoch"]) == [1, 2, 3, 4]
    figures.learning_curves(one.histories)
    figures.specialist_curves(six.histories)


def test_a_history_without_validation_loses_the_epoch_that_diverged_alone(data, tmp_path):
    path = run_fixtures.write_run(tmp_path / "all_faces", data)
    history = pd.read_csv(path / "history.csv").assign(valid_loss=np.nan)
    history.to_csv(path / "history.csv", index=False)
    with_last_losses(path, "inf", "")
    (net,) = predictions.load_nets([path], data, "all")
    assert list(net.histories["all_faces"].table["epoch"]) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("threshold", "shown"), [(0.1, "10%"), (0.125, "12.5%"), (0.075, "7.5%"), (0.005, "0.5%")]
)
def test_a_threshold_is_shown_with_all_its_digits(data, runs, threshold, shown):
    net = predictions.load_nets(runs[:1], data, "all")[0]
    table = tables.error_table([evaluate_one(net, data)], threshold)
    assert f"NME > {shown}" in table.columns
    assert f"above {shown};" in table.note


def test_faces_beside_the_mean_error_are_those_that_it_averages(data, runs):
    net = predictions.load_nets(runs[:1], data, "all")[0]
    labels = data.keypoints.copy()
    labels[:5, keypoint_schema.indices(["left_eye_center"])] = np.nan
    net = dataclasses.replace(net.predictions, judged_labels=labels)
    (row,) = tables.error_table([judge(net, labels, data.groups, 0.1)], 0.1).rows
    assert row[-2:] == [f"{len(data) - 5}", f"{np.isfinite(labels).sum():,}"]


def test_the_note_claims_no_unit_of_resampling_beside_the_one_above_the_tables(data, runs):
    note = note_about(predictions.load_nets(runs[:1], data, "all"), data)
    assert note.startswith("95% intervals in brackets, by bootstrap. ")


def test_numbers_say_which_threshold_and_which_labels_they_are_about(
    data, runs, small_folder, quick_figures, tmp_path
):
    seen = run_fixtures.write_run(tmp_path / "seen", data)
    config = json.loads((seen / "config.json").read_text())
    config["data"]["seen_before"] = 3
    (seen / "config.json").write_text(json.dumps(config))
    options = ["--data", small_folder, "--threshold", "0.125", "--report", tmp_path / "report"]
    assert run_script(evaluate, runs[0], seen, *options) == 0
    record = json.loads((tmp_path / "report" / "results.json").read_text())
    assert record["threshold"] == 0.125
    scopes = ["held_out", "seen_before"]
    assert [net["label_scope"] for net in record["nets"]] == scopes
    rows = list(csv.DictReader((tmp_path / "report" / "nets.csv").open()))
    assert [row["threshold"] for row in rows] == ["0.125"] * 2
    assert [row["label_scope"] for row in rows] == scopes


def test_history_without_rows_is_told(data, runs, tmp_path):
    broken = run_fixtures.write_run(tmp_path / "broken", data)
    header = (broken / "history.csv").read_text().splitlines()[0]
    (broken / "history.csv").write_text(header + "\n")
    with pytest.raises(UserError, match=r"history\.csv has no rows"):
        predictions.load_nets([broken], data, "all")
    (broken / "history.csv").unlink()
    with pytest.raises(UserError, match="history"):
        predictions.load_nets([broken], data, "all")
    assert len(predictions.load_nets([runs[0]], data, "all")[0].histories["near"].table) == 4
