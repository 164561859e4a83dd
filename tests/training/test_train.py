"""train.py as a person uses it, on a small data set."""

import csv
import dataclasses
import importlib.util
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import keypoint_schema
import models
import train
from benchmarks.run_contents import differing
from errors import UserError
from tests import ROOT
from tests.killing import killed_in_epoch
from tests.running import heed_ctrl_c, run_script
from trained_nets.loading import load_net
from training import command, from_recipe, specialists
from training.arguments import parse_arguments
from training.plan import make_plan


@pytest.fixture
def start(tmp_path):
    """Runs train.py into `tmp_path`; returns its exit status."""
    return lambda *options: run_script(train, *options, "--runs", tmp_path)


def history(folder):
    """The rows without their times."""
    with open(folder / "history.csv", newline="") as file:
        return [row | {"seconds": ""} for row in csv.DictReader(file)]


def test_net_is_trained_into_its_run_folder(narrow_zoo, start, tmp_path, small_folder, capsys):
    assert start("--model", "net5", "--data", small_folder, "--epochs", 3) == 0
    run = tmp_path / "net5"
    assert {path.name for path in run.iterdir()} == {"config.json", "history.csv", "model.keras"}
    rows = history(run)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx([0.03, 0.01505, 0.0001])
    assert [float(row["momentum"]) for row in rows] == pytest.approx([0.9, 0.9495, 0.999])
    config = json.loads((run / "config.json").read_text())
    best = min(rows, key=lambda row: float(row["valid_loss"]))
    assert config["results"]["best_epoch"] == int(best["epoch"])
    # The saved weights are the best epoch's, up to the arithmetic of another batch size.
    assert config["results"]["valid_rmse_px"] == pytest.approx(
        float(best["valid_rmse_px"]), rel=0.02
    )
    assert config["data"]["train_rows"] + config["data"]["valid_rows"] == 40
    output = capsys.readouterr().out
    assert "left_eye_center" in output  # the label counts
    assert "95×95×4" in output  # the layer table
    assert "python export.py" in output  # what to do next


def test_specialists_train_on_the_rows_with_their_labels(start, tmp_path, small_folder):
    arguments = ("--model", "specialists", "--architecture", "net1", "--data", small_folder)
    assert start(*arguments, "--budget", 119) == 0
    run = tmp_path / "specialists"
    epochs = {
        specialist.name: len(history(run / specialist.name))
        for specialist in keypoint_schema.SPECIALISTS
    }
    # 60 rows carry the eye centres, 40 the corners, held-out ones included: epochs = budget / rows.
    assert epochs["eye_centers"] == epochs["nose_tip"] == 1
    assert epochs["eye_corners"] == epochs["mouth_corners_top_lip"] == 2
    config = json.loads((run / "config.json").read_text())
    assert set(config["results"]["valid_rmse_px_per_keypoint"]) == set(keypoint_schema.NAMES)
    net = load_net(run)
    images = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 1)).astype(np.uint8)
    merged = net.model.predict(images, verbose=0)
    alone = load_net(run / "eyebrow_ends")
    assert net.names == keypoint_schema.NAMES
    np.testing.assert_allclose(
        merged[:, keypoint_schema.indices(alone.names)],
        alone.model.predict(images, verbose=0),
        atol=2e-2,  # bfloat16 where the machine has it
    )


def test_specialists_overrides_reach_the_recipe(start, tmp_path, small_folder, monkeypatch):
    nose = keypoint_schema.SPECIALISTS[1]
    monkeypatch.setitem(nose.overrides, "learning_rate", 0.005)
    arguments = ("--model", "specialists", "--architecture", "net1", "--data", small_folder)
    assert start(*arguments, "--epochs", 1) == 0
    rates = {
        specialist.name: float(
            history(tmp_path / "specialists" / specialist.name)[0]["learning_rate"]
        )
        for specialist in keypoint_schema.SPECIALISTS
    }
    assert rates.pop("nose_tip") == pytest.approx(0.005)
    assert list(rates.values()) == pytest.approx([0.01] * 5)


def test_one_seed_gives_one_history(narrow_zoo, start, tmp_path, small_folder):
    for name in ("a", "b"):
        start("--model", "net6", "--data", small_folder, "--epochs", 3, "--name", name)
    start("--model", "net6", "--data", small_folder, "--epochs", 3, "--name", "c", "--seed", 2)
    assert history(tmp_path / "a") == history(tmp_path / "b")
    assert history(tmp_path / "a") != history(tmp_path / "c")


def test_resume_goes_on_as_if_nothing_had_happened(
    narrow_zoo, start, tmp_path, small_folder, monkeypatch
):
    net6 = ("--model", "net6", "--data", small_folder, "--epochs", 5)
    start(*net6, "--name", "whole")

    with killed_in_epoch(3, monkeypatch):
        start(*net6, "--name", "cut")
    assert (tmp_path / "cut/resume.npz").exists()
    assert start(*net6, "--name", "cut", "--resume") == 0
    assert not differing(tmp_path / "cut", tmp_path / "whole")
    assert start(*net6, "--name", "cut", "--resume") == 0  # finished already: nothing to do
    assert not differing(tmp_path / "cut", tmp_path / "whole")


def test_resume_with_other_settings_is_refused(start, small_folder, capsys):
    start("--model", "net1", "--data", small_folder, "--epochs", 2)
    assert start("--model", "net1", "--data", small_folder, "--epochs", 3, "--resume") == 2
    assert "has recipe" in capsys.readouterr().err


def test_warm_start_copies_and_says_what_is_fresh(start, tmp_path, small_folder, capsys):
    start("--model", "net1", "--data", small_folder, "--epochs", 1)
    arguments = ("--model", "specialists", "--data", small_folder)
    assert start(*arguments, "--epochs", 1, "--init-from", tmp_path / "net1") == 0
    assert "left fresh: output" in capsys.readouterr().out
    config = json.loads((tmp_path / "specialists/config.json").read_text())
    assert config["init_from"] == str(tmp_path / "net1")
    assert config["architecture"] == "net1"  # that of the net it starts from


def test_existing_run_is_not_overwritten_unasked(start, tmp_path, small_folder, capsys):
    net1 = ("--model", "net1", "--data", small_folder, "--epochs", 1)
    start(*net1)
    before = (tmp_path / "net1/model.keras").read_bytes()
    assert start(*net1, "--seed", 5) == 2
    assert "--resume continues it, --overwrite replaces it" in capsys.readouterr().err
    assert (tmp_path / "net1/model.keras").read_bytes() == before
    assert start(*net1, "--seed", 5, "--overwrite") == 0
    assert json.loads((tmp_path / "net1/config.json").read_text())["seed"] == 5


def test_a_run_is_back_when_its_replacement_fails(start, tmp_path, small_folder):
    net1 = ("--model", "net1", "--data", small_folder, "--epochs", 1)
    start(*net1)
    start(*net1, "--name", "donor")
    before = (tmp_path / "net1/model.keras").read_bytes()
    failing = ("--model", "net2", "--data", small_folder, "--name", "net1", "--overwrite")
    assert start(*failing, "--init-from", tmp_path / "donor") == 2
    assert (tmp_path / "net1/model.keras").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["donor", "net1"]


def test_refused_resume_of_specialists_leaves_their_config(start, tmp_path, small_folder, capsys):
    arguments = ("--model", "specialists", "--architecture", "net1", "--data", small_folder)
    start(*arguments, "--epochs", 1)
    before = (tmp_path / "specialists/config.json").read_bytes()
    assert start(*arguments, "--epochs", 1, "--seed", 7, "--resume") == 2
    assert "has seed 1, this command has 7" in capsys.readouterr().err
    assert (tmp_path / "specialists/config.json").read_bytes() == before


def test_git_is_not_needed(start, tmp_path, small_folder, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert start("--model", "net1", "--data", small_folder, "--epochs", 1) == 0
    assert json.loads((tmp_path / "net1/config.json").read_text())["git_commit"] is None


@pytest.mark.parametrize(
    "damage",
    [
        {"config.json": "[]"},
        {"config.json": '{"architectures": []}'},
        {"config.json": "\udcff"},
        {"model.keras": "no zip"},
        {"resume.npz": "", "config.json": None},
    ],
)
def test_damaged_runs_get_one_line(start, tmp_path, small_folder, capsys, damage):
    net1 = ("--model", "net1", "--data", small_folder, "--epochs", 1)
    start(*net1)
    for name, text in damage.items():
        if text is None:
            (tmp_path / "net1" / name).unlink()
        else:
            (tmp_path / "net1" / name).write_bytes(text.encode(errors="surrogateescape"))
    capsys.readouterr()
    assert start(*net1, "--resume") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_overwrite_deletes_run_folders_only(start, tmp_path, small_folder):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.tex").write_text("precious")
    arguments = ("--model", "net1", "--data", small_folder, "--name", "thesis", "--overwrite")
    assert start(*arguments) == 2
    assert start(*arguments[:-1], "--resume") == 2  # nor is it trained into
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter1.tex"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "net8"], "no net 'net8'"),
        (["--model", "net1", "--data", "nowhere"], "There is no nowhere"),
        (["--model", "net1", "--data", "DATA", "--init-from", "nowhere"], "nowhere does not exist"),
        (["--model", "net1", "--resume"], "to resume"),
        (["--model", "net1", "--data", "DATA", "--hold-out", "0.99"], "leaves none to train on"),
        (["--model", "net1", "--epochs", "0"], "--epochs: must be a whole number, at least 1"),
        (["--model", "net1", "--epochs", "1000001"], "at least 1 and at most 1000000. Received"),
        (
            ["--model", "net1", "--data", "DATA", "--budget", "40000040"],
            "A budget of 40,000,040 images is 1,000,001 epochs of 40 faces",
        ),
        (
            ["--model", "specialists", "--data", "DATA", "--budget", "60000060"],
            "A budget of 60,000,060 images is 1,000,001 epochs of 60 faces",
        ),
        (["--model", "net1", "--architecture", "net2"], "--architecture is for"),
        ([], "--model is needed"),
    ],
)
def test_mistakes_get_one_line_and_status_2(start, small_folder, capsys, arguments, message):
    arguments = [str(small_folder) if word == "DATA" else word for word in arguments]
    assert start(*arguments) == 2
    error = capsys.readouterr().err
    assert message in error.splitlines()[-1]
    assert "Traceback" not in error


def test_no_rows_left_is_told(start, tmp_path, small_folder, capsys):
    folder = tmp_path / "partial"
    folder.mkdir()
    lines = (small_folder / "training.csv").read_text().splitlines()
    partial = [lines[0], *(f",,{line.split(',', 2)[2]}" for line in lines[1:])]
    (folder / "training.csv").write_text("\n".join(partial))
    assert start("--model", "net1", "--data", folder) == 2
    assert "No complete faces are left" in capsys.readouterr().err
    assert start("--model", "specialists", "--data", folder) == 2
    assert "specialist 'eye_centers'" in capsys.readouterr().err


@pytest.mark.parametrize("setting", ["nose_tip.loss=laplace", "heatmap_loss=0.1"])
def test_a_loss_for_heatmap_nets_is_refused_before_any_work(start, tmp_path, capsys, setting):
    specialists = ("--model", "specialists", "--architecture", "net1", "--epochs", 1)
    assert start(*specialists, "--set", setting) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "net1 has no heatmaps; " in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (("--precision", "bfloat16"), "--set learning_rate=3e+19, or --precision float32. "),
        (("--precision", "float32"), "--set learning_rate=3e+19. "),
        (
            ("--precision", "float32", "--set", "final_learning_rate=6e19"),
            "--set learning_rate=3e+19 --set final_learning_rate=2e+19. ",
        ),
    ],
)
def test_a_training_that_diverges_at_once_is_told(start, small_folder, capsys, options, advice):
    wild = ("--set", "learning_rate=1e20", "--epochs", 2, *options)
    assert start("--model", "net1", "--data", small_folder, *wild) == 1
    output, error = capsys.readouterr()
    assert "Invalid loss" not in output  # Keras' own line, amid the table
    # All faces are one batch: the loss is wrong one step after the weights are.
    assert "net1 diverged in epoch 2 of 2, at a learning rate of " in error
    assert f"Try a lower rate, {advice}Nothing is left of it." in error


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_training_without_validation_that_diverges_is_told_alone(start, small_folder, capsys):
    wild = ("--set", "learning_rate=1e20", "--epochs", 2, "--hold-out", 0)
    assert start("--model", "net1", "--data", small_folder, *wild) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "Nothing is left of it." in line


def test_a_training_that_diverges_late_keeps_its_best_weights(
    start, tmp_path, small_folder, capsys, monkeypatch
):
    net1 = ("--model", "net1", "--data", small_folder, "--precision", "float32", "--epochs")
    assert start(*net1, 2, "--name", "two") == 0
    assert start(*net1, 1, "--name", "five") == 0  # an earlier run, to be replaced

    class Explosion(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.optimizer.learning_rate.assign(1e30)

    monkeypatch.setattr(from_recipe, "schedules", lambda recipe: [Explosion()])
    assert start(*net1, 5, "--name", "five", "--overwrite") == 1
    error = capsys.readouterr().err
    assert re.search("diverged in epoch 4 of 5, .* The weights of epoch 2 are in", error)
    results = json.loads((tmp_path / "five/config.json").read_text())["results"]
    assert not results["finished"]
    assert {path.name for path in tmp_path.iterdir()} == {"two", "five"}
    kept, expected = (load_net(tmp_path / name).model.get_weights() for name in ("five", "two"))
    for ours, theirs in zip(kept, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_a_polite_kill_save_the_best_weights(tmp_path, small_folder, sent):
    command = ["--model", "net1", "--data", small_folder, "--epochs", 100000, "--runs", tmp_path]
    process = subprocess.Popen(
        [sys.executable, "train.py", *map(str, command)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )
    table = tmp_path / "net1/history.csv"
    deadline = time.monotonic() + 300  # on a busy machine, TensorFlow alone may take a minute
    while not (table.exists() and table.read_text().count("\n") > 3):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    process.send_signal(sent)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "--resume" in output
    # TensorFlow 2.18 says on standard error that there is no GPU.
    errors = [line for line in errors.splitlines() if " E external/local_xla/" not in line]
    assert not errors
    assert (tmp_path / "net1/model.keras").exists()
    config = json.loads((tmp_path / "net1/config.json").read_text())
    assert config["results"]["finished"] is False


# Six steps an epoch, so that the average soon differs from what it averages.
AVERAGED = ("--set", "averaging=0.5", "--set", "batch_size=8", "--set", "optimizer=adamw")
AVERAGED += ("--set", "rows=labelled")


def test_averaged_training_resumes_as_if_nothing_had_happened(
    start, tmp_path, small_folder, monkeypatch
):
    net = ("--model", "net1", *AVERAGED, "--data", small_folder, "--epochs", 3)
    assert start(*net, "--name", "whole") == 0

    with killed_in_epoch(2, monkeypatch):
        start(*net, "--name", "cut")
    assert start(*net, "--name", "cut", "--resume") == 0
    assert not differing(tmp_path / "cut", tmp_path / "whole")


def test_averaged_weights_are_what_is_saved(start, tmp_path, small_folder):
    start("--model", "net1", *AVERAGED, "--data", small_folder, "--epochs", 2)
    config = json.loads((tmp_path / "net1/config.json").read_text())
    best = min(history(tmp_path / "net1"), key=lambda row: float(row["valid_loss"]))
    assert config["results"]["valid_rmse_px"] == pytest.approx(
        float(best["valid_rmse_px"]), rel=0.01
    )
    # 60 rows carry labels, though only 40 are complete.
    assert config["data"]["train_rows"] + config["data"]["valid_rows"] == 60


def test_a_tutorial_net_trains_with_full_augmentation_on_every_labelled_row(
    start, tmp_path, small_folder
):
    arguments = ("--model", "net1", "--data", small_folder, "--epochs", 1)
    assert start(*arguments, "--set", "augmentation=full", "--set", "rows=labelled") == 0
    config = json.loads((tmp_path / "net1/config.json").read_text())
    assert (config["recipe"]["augmentation"], config["recipe"]["rows"]) == ("full", "labelled")
    assert config["data"]["train_rows"] + config["data"]["valid_rows"] == 60


def test_recipe_variants_are_looked_up_by_name(narrow_zoo, start, tmp_path, small_folder, capsys):
    quick = ("--recipe", "quick", "--data", small_folder)
    assert start("--model", "net1", *quick) == 2
    assert "no recipe 'quick'" in capsys.readouterr().err
    assert start("--model", "heatmap_s", *quick, "--budget", 60) == 0
    config = json.loads((tmp_path / "heatmap_s/config.json").read_text())
    assert (config["recipe"]["epochs"], config["recipe"]["warmup_epochs"]) == (1, 1)


def test_tensorboard_logs_are_written_or_their_package_is_named(
    start, tmp_path, small_folder, monkeypatch, capsys
):
    net1 = ("--model", "net1", "--data", small_folder, "--epochs", 1, "--tensorboard")
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        assert start(*net1) == 2
    assert "pip install -e '.[tensorboard]'" in capsys.readouterr().err
    assert not (tmp_path / "net1").exists()
    assert start(*net1) == 0
    assert list((tmp_path / "net1/tensorboard").rglob("events*"))


@pytest.mark.parametrize(
    ("options", "budget", "epochs"),
    [
        (("--architecture", "net1"), 10_000_000, None),
        (("--architecture", "heatmap_s"), 400_000, None),
        (("--init-from", "preset:heatmap_s"), 80_000, None),
        (("--architecture", "heatmap_s", "--budget", 7), 7, None),
        (("--architecture", "heatmap_s", "--recipe", "quick"), 400_000, 30),
    ],
)
def test_specialists_budgets_are_those_of_their_kind(
    start, small_folder, monkeypatch, options, budget, epochs
):
    asked = []

    def refuse(task, *arguments):
        asked.append((task.budget, task.epochs))
        raise UserError("That is all.")

    monkeypatch.setattr(command, "fit_specialists", refuse)
    assert start("--model", "specialists", "--data", small_folder, *options) == 2
    assert asked == [(budget, epochs)]


@pytest.mark.parametrize(
    ("options", "patience"),
    [
        ((), [200, 200, 50, 200, 200, 200]),
        (("--set", "patience=none"), [None, None, 50, None, None, None]),
        (("--set", "patience=7"), [7, 7, 50, 7, 7, 7]),
        (("--set", "nose_tip.patience=none"), [200, None, 50, 200, 200, 200]),
        (("--set", "mouth_corners_top_lip.patience=9"), [200, 200, 9, 200, 200, 200]),
    ],
)
def test_early_stopping_of_specialists_can_be_switched_off(
    start, small_folder, monkeypatch, options, patience
):
    monkeypatch.setitem(keypoint_schema.SPECIALISTS[2].overrides, "patience", 50)
    found = []

    def refuse(whole, makes, *arguments):
        found.extend(make(whole).recipe.patience for make in makes)
        raise UserError("That is all.")

    monkeypatch.setattr(specialists, "fit_parts", refuse)
    arguments = ("--model", "specialists", "--architecture", "net1", "--data", small_folder)
    assert start(*arguments, *options) == 2
    assert found == patience


@pytest.mark.parametrize(
    ("options", "recipe"),
    [
        (("--model", "heatmap_s"), "quick"),
        (("--model", "specialists"), "quick"),
        (("--model", "specialists", "--architecture", "heatmap_m"), None),
        (("--model", "heatmap_s", "--epochs", "2"), None),
        (("--model", "heatmap_s", "--budget", "90"), None),
        (("--model", "heatmap_s", "--data", "somewhere"), None),
    ],
)
def test_a_first_look_takes_the_quick_recipe_if_the_net_has_one(options, recipe, tmp_path):
    arguments = parse_arguments([*options, "--runs", str(tmp_path)])
    plan = make_plan(arguments, None)
    expected = models.find_recipe(plan.net, recipe)
    assert dataclasses.replace(plan.recipe, patience=None) == expected


def test_brackets_in_names_are_printed_as_they_are(start, small_folder, tmp_path, capsys):
    data = tmp_path / "faces [old]"
    shutil.copytree(small_folder, data)
    assert start("--model", "net1", "--epochs", 1, "--data", data, "--name", "net1[old]") == 0
    run = shlex.quote(str(tmp_path / "net1[old]"))
    assert f"python evaluate.py {run} --data {shlex.quote(str(data))}" in capsys.readouterr().out
