"""One training over several devices ends as on one; the devices are virtual ones of the CPU."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from tests import ROOT
from trained_nets.run_folder import RunFolder

DEVICES = 3
# 31 faces are trained on and 9 are held out: no batch divides by 2 or by 3.
NET7 = ("--model", "net7", "--epochs", 3, "--set", "batch_size=7")
# All there is: heatmaps, likelihood, averaged weights, weight decay, full augmentation, and the
# mirror offset, measured after epoch 5 and used from epoch 7.
HEATMAPS = ("--model", "heatmap_s", "--epochs", 8, "--set", "loss=laplace", "--set")
HEATMAPS += ("heatmap_loss=0.5", "--set", "batch_size=25")
SPECIALISTS = ("--model", "specialists", "--architecture", "net1", "--epochs", 1)


def training(name, *options, killed_in=None):
    return {"options": ["--name", name, *options], "killed_in": killed_in}


TRAININGS = (
    training("one", *NET7),
    training("two", *NET7, "--devices", 2),
    training("all", *NET7, "--devices", "all"),
    training("two-one", *NET7, "--devices", 2, killed_in=1),
    training("two-one", *NET7, "--resume"),
    training("one-two", *NET7, killed_in=1),
    training("one-two", *NET7, "--resume", "--devices", 2),
    training("heatmaps", *HEATMAPS),
    training("heatmaps-two", *HEATMAPS, "--devices", 2),
    training("taught", *NET7, "--distill-from", "two", "--init-from", "two"),
    training("taught-two", *NET7, "--distill-from", "two", "--init-from", "two", "--devices", 2),
    training("folds", *NET7, "--folds", 2),
    training("folds-two", *NET7, "--folds", 2, "--devices", 2),
    training("specialists", *SPECIALISTS),
    training("specialists-two", *SPECIALISTS, "--devices", 2),
    training("too-many", *NET7, "--devices", DEVICES + 1),
)


@pytest.fixture(scope="module")
def trained(small_folder, tmp_path_factory):
    """Trains all, in a process with JAX; returns the folder of the runs and what was printed."""
    folder = tmp_path_factory.mktemp("runs")
    places = ("--data", small_folder, "--runs", folder, "--precision", "float32")
    runs = {each["options"][1] for each in TRAININGS}
    for each in TRAININGS:
        options = [folder / one if one in runs else one for one in each["options"][2:]]
        each["options"][2:] = map(str, (*options, *places))
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.jax_trainings"],
        cwd=ROOT,
        env=os.environ
        | {
            "KERAS_BACKEND": "jax",
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={DEVICES}",
        },
        input=json.dumps(TRAININGS),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    killed = ["killed" if each["killed_in"] is not None else 0 for each in TRAININGS[:-1]]
    assert json.loads(done.stdout) == [*killed, 2], done.stderr
    return folder, done.stderr


def history(run):
    """The rows, without the time that each epoch took."""
    with open(run / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name] or 0) for name in row if name != "seconds"] for row in rows])


def assert_same(run, other):
    """Compares two runs of one net, or of one each."""
    np.testing.assert_allclose(history(run), history(other), rtol=2e-5)
    weights = (RunFolder(each).load_model().get_weights() for each in (run, other))
    for one, another in zip(*weights, strict=True):
        np.testing.assert_allclose(one, another, rtol=1e-3, atol=2e-5)
    results = (RunFolder(each).read_config()["results"] for each in (run, other))
    one, another = ({k: v for k, v in each.items() if k != "seconds"} for each in results)
    assert one["best_epoch"] == another["best_epoch"]
    assert one["valid_rmse_px"] == pytest.approx(another["valid_rmse_px"], rel=2e-5)


@pytest.mark.parametrize(
    ("run", "other"),
    [
        ("two", "one"),
        ("all", "one"),
        ("two-one", "one"),
        ("one-two", "one"),
        ("heatmaps-two", "heatmaps"),
        ("taught-two", "taught"),
    ],
)
def test_a_net_is_the_same_as_on_one_device(run, other, trained):
    folder, _ = trained
    assert_same(folder / run, folder / other)


@pytest.mark.parametrize(("run", "parts"), [("folds", 2), ("specialists", 6)])
def test_nets_of_one_run_are_the_same_as_on_one_device(run, parts, trained):
    folder, _ = trained
    config = RunFolder(folder / run).read_config()
    names = RunFolder(folder / run).parts(config)
    assert len(names) == parts
    for name in names:
        assert_same(folder / f"{run}-two" / name, folder / run / name)
    other = RunFolder(folder / f"{run}-two").read_config()["results"]
    assert other["valid_rmse_px"] == pytest.approx(config["results"]["valid_rmse_px"], rel=2e-5)


def test_the_mirror_offset_was_measured(trained):
    folder, _ = trained
    offsets = [
        next(iter(RunFolder(folder / run).read_config()["results"]["mirror_offset_px"].values()))
        for run in ("heatmaps", "heatmaps-two")
    ]
    assert offsets[0]
    for name, offset in offsets[0].items():
        np.testing.assert_allclose(offsets[1][name], offset, atol=1e-3)


def test_a_run_says_on_how_many_devices_it_ended(trained):
    folder, said = trained
    names = ("one", "two", "all", "two-one", "one-two")
    found = [json.loads((folder / name / "config.json").read_text())["devices"] for name in names]
    assert found == [1, 2, DEVICES, 1, 2]
    assert "Each batch is divided among 2 devices." in said


def test_more_devices_than_there_are_are_refused_in_one_line(trained):
    folder, said = trained
    (line,) = (line for line in said.splitlines() if "error:" in line)
    assert line == (
        "train.py: error: --devices must be at most the number of devices that JAX sees here, "
        f"{DEVICES}. Received: {DEVICES + 1}."
    )
    assert not (folder / "too-many").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--devices", 2), "--devices 2 would train on 2 devices, and more than one need JAX."),
        (("--devices", 0), "must be a whole number, at least 1. Received: 0"),
        (("--devices", "both"), "must be a whole number, at least 1. Received: both"),
        (
            ("--devices", 2, "--jobs", 2, "--folds", 2),
            "--jobs: not allowed with argument --devices",
        ),
        (("--devices", "all", "--cluster", "auto", "--folds", 2), "--cluster: not allowed with"),
    ],
)
def test_what_cannot_be_is_told(options, message, start_train, tmp_path, capsys):
    assert start_train("--model", "net1", *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.iterdir())


def test_all_devices_of_a_machine_with_one_are_what_it_trains_on_anyway(start_train, tmp_path):
    assert start_train("--model", "net1", "--epochs", 1, "--devices", "all") == 0
    assert RunFolder(tmp_path / "net1").read_config()["devices"] == 1
