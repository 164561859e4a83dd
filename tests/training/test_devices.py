"""One training over several devices ends as on one; the devices are virtual ones of the CPU."""

import csv
import json
import shutil

import keras
import numpy as np
import pytest

from benchmarks import run_contents
from data_pipeline import convert
from tests.running import run_script
from tests.training.on_jax import start, start_two, training
from trained_nets.run_folder import RunFolder

DEVICES = 3
# 31 faces are trained on and 9 are held out, so not every batch divides by 2 or by 3.
NET1 = ("--model", "net1", "--epochs", 3, "--set", "batch_size=7", "--set", "hidden_units=3")
NET1 += ("--set", "augmentation=flip")
# With one batch an epoch, JAX compiles each step once only.
DROPPING = ("--model", "net7", "--epochs", 2, "--folds", 2)
# All there is: heatmaps, likelihood, averaged weights, weight decay, full augmentation, a teacher,
# and the mirror offset, measured after epoch 5 and used in epoch 7. 45 faces are trained on.
HEATMAPS = ("--model", "heatmap_s", "--epochs", 7, "--set", "batch_size=64", "--hold-out", 0.25)
HEATMAPS += ("--set", "loss=laplace", "--set", "heatmap_loss=0.5")
TWO = ("--devices", 2)
_LONG = 1800  # seconds, on a machine with much else to do


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def two_processes(small_folder, folder):
    """Three trainings in two processes: what each of these printed.

    In the second training one process is killed; the third goes on with that, in two again.
    """

    def train_in_two(one):
        processes = start_two([one], small_folder, folder)
        return [(*each.communicate(timeout=_LONG), each.returncode) for each in processes]

    said = [train_in_two(training("processes", *NET1))]
    said.append(train_in_two(training("killed", *NET1, dies_in=1)))
    shutil.copytree(folder / "killed", folder / "killed-processes")
    said.append(train_in_two(training("killed-processes", *NET1, "--resume")))
    return said


@pytest.fixture(scope="module")
def said(small_folder, folder, two_processes):
    """Trains, in one process with several devices, what the tests compare; returns what it said."""
    shards = folder / "faces in shards"
    assert run_script(convert, "--data", small_folder, "--out", shards) == 0
    taught = (*HEATMAPS, "--distill-from", folder / "one")
    trainings = [
        training("one", *NET1),
        training("all", *NET1, "--devices", "all"),
        training("two", *NET1, *TWO),
        training("two-one", *NET1, *TWO, killed_in=1),
        training("two-one", *NET1, "--resume"),
        training("one-two", *NET1, killed_in=1),
        training("one-two", *NET1, *TWO, "--resume"),
        training("killed", *NET1, "--resume"),
        training("shards", *NET1, "--data", shards, killed_in=1),
        training("shards", *NET1, "--data", shards, "--resume"),
        training("taught", *taught),
        training("taught-two", *taught, *TWO),
        training("folds", *DROPPING),
        training("folds-two", *DROPPING, *TWO),
        training("too-many", *NET1, "--devices", DEVICES + 1),
    ]
    process = start(trainings, small_folder, folder, devices=DEVICES)
    statuses, said = process.communicate(timeout=_LONG)
    assert process.returncode == 0, said
    killed = ["killed" if each["killed_in"] is not None else 0 for each in trainings[:-1]]
    assert json.loads(statuses) == [*killed, 2], said
    return said


def history(run):
    """The rows, without the time that each epoch took."""
    with open(run / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row[name] or 0) for name in row if name != "seconds"] for row in rows])


def results(run):
    return RunFolder(run).read_config()["results"]


def assert_ended_alike(run, other):
    np.testing.assert_allclose(history(run), history(other), rtol=2e-5)
    assert results(run)["best_epoch"] == results(other)["best_epoch"]
    for each in ("train_loss", "valid_rmse_px"):
        assert results(run)[each] == pytest.approx(results(other)[each], rel=2e-5)


RUNS = ["all", "two", "two-one", "one-two", "processes", "killed", "killed-processes"]


@pytest.mark.parametrize("run", RUNS)
def test_a_net_is_the_same_as_on_one_device(run, folder, said):
    assert_ended_alike(folder / run, folder / "one")
    errors = [results(folder / each)["valid_rmse_px"] for each in (run, "one")]
    assert errors[0] == pytest.approx(errors[1], rel=1e-6)
    weights = [RunFolder(folder / each).load_model().get_weights() for each in (run, "one")]
    for one, another in zip(*weights, strict=True):
        np.testing.assert_allclose(one, another, atol=1e-6)


def test_two_processes_make_the_same_of_two_devices_as_one(folder, said):
    np.testing.assert_array_equal(history(folder / "processes"), history(folder / "two"))


@pytest.mark.parametrize("run", RUNS)
def test_its_run_folder_is_the_same(run, folder, said):
    found, wanted = (run_contents.contents(folder / each) for each in (run, "one"))
    assert found.keys() == wanted.keys()
    config, expected = found["config.json"], wanted["config.json"]
    assert config["results"].keys() == expected["results"].keys()
    for each in ("results", "devices", "processes"):
        del config[each], expected[each]
    assert config == expected


def test_killed_and_resumed_on_shards_it_ends_as_on_a_table(folder, said):
    assert run_contents.differing(folder / "shards", folder / "one") == ["config.json"]


def test_so_is_a_net_with_all_that_a_recipe_can_ask_for(folder, said):
    assert_ended_alike(folder / "taught-two", folder / "taught")
    offsets = [results(folder / run)["mirror_offset_px"] for run in ("taught-two", "taught")]
    for one, another in zip(*(next(iter(each.values())).items() for each in offsets), strict=True):
        assert one[0] == another[0]
        np.testing.assert_allclose(one[1], another[1], atol=1e-3)


def test_so_are_nets_with_dropout_of_two_folds(folder, said):
    for name in ("fold1", "fold2"):
        assert_ended_alike(folder / "folds-two" / name, folder / "folds" / name)
    left_out = [
        np.load(folder / run / "out_of_fold.npz")["keypoints"] for run in ("folds", "folds-two")
    ]
    np.testing.assert_allclose(*left_out, atol=1e-3)


def test_a_run_says_on_how_many_devices_it_ended(folder, said):
    names = ("one", "all", "two-one", "one-two", "processes", "killed")
    configs = [RunFolder(folder / name).read_config() for name in names]
    assert [config["devices"] for config in configs] == [1, DEVICES, 1, 2, 2, 1]
    assert [config["processes"] for config in configs] == [1, 1, 1, 1, 2, 1]
    assert "Each batch is divided among 2 devices." in said


def test_more_devices_than_there_are_are_refused_in_one_line(folder, said):
    (line,) = (line for line in said.splitlines() if "error:" in line)
    assert line == (
        "train.py: error: --devices must be at most the number of devices that JAX sees here, "
        f"{DEVICES}. Received: {DEVICES + 1}."
    )
    assert not (folder / "too-many").exists()


def test_only_the_first_of_two_processes_prints(two_processes):
    for first, other in (two_processes[0], two_processes[2]):
        assert [first[2], other[2]] == [0, 0]
        assert "valid RMSE px" in first[1]
        assert "RMSE" not in other[1]


def test_a_killed_process_ends_the_other_with_one_line(two_processes):
    _, (first, other), _ = two_processes
    assert [first[2], other[2]] == [75, -9]
    (line,) = (line for line in first[1].splitlines() if "error:" in line)
    assert "Another process of this training has ended" in line
    assert "--resume goes on" in line


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (TWO, "--devices 2 would train on 2 devices, and more than one need JAX."),
        (("--devices", 0), "must be a whole number, at least 1. Received: 0"),
        (("--devices", "both"), "must be a whole number, at least 1. Received: both"),
        ((*TWO, "--jobs", 2, "--folds", 2), "--jobs: not allowed with argument --devices"),
        (("--devices", "all", "--cluster", "auto", "--folds", 2), "--cluster: not allowed with"),
        (("--machines", 2), "--machines is for --cluster."),
        (("--machines", 2, "--cluster", "auto"), "--machines needs JAX: set KERAS_BACKEND=jax"),
        (("--machines", 1, "--cluster", "auto"), "must be a whole number, at least 2. Received: 1"),
    ],
)
def test_what_cannot_be_is_told(options, message, start_train, tmp_path, capsys):
    assert start_train("--model", "net1", *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("backend", "variables", "options", "message"),
    [
        ("tensorflow", ("10.0.0.1:9", "2", "0"), (), "several processes, and these need JAX"),
        ("jax", ("10.0.0.1:9", "2", "0"), ("--folds", 2, "--jobs", 2), "leave out --jobs"),
        ("jax", ("10.0.0.1:9", "2", "2"), (), "from 0, and KERAS_DISTRIBUTION_NUM_PROCESSES be"),
        ("jax", ("10.0.0.1:9", "", "0"), (), "Received: '0' and ''"),
        ("jax", ("10.0.0.1", "2", "0"), (), "JOB_ADDRESSES must be HOST:PORT of the first"),
    ],
)
def test_what_cannot_be_over_machines_is_told(
    backend, variables, options, message, start_train, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    for name, value in zip(
        ("JOB_ADDRESSES", "NUM_PROCESSES", "PROCESS_ID"), variables, strict=True
    ):
        monkeypatch.setenv(f"KERAS_DISTRIBUTION_{name}", value)
    assert start_train("--model", "net1", *options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.iterdir())


def test_all_devices_of_a_machine_with_one_are_what_it_trains_on_anyway(start_train, tmp_path):
    assert start_train("--model", "net1", "--epochs", 1, "--devices", "all") == 0
    assert RunFolder(tmp_path / "net1").read_config()["devices"] == 1
