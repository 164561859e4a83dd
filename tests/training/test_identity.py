"""A run is resumed with the same faces and the same nets, wherever they lie by now."""

import json
import zipfile

import numpy as np
import pytest

import train
from data_pipeline import load_faces
from errors import UserError
from tests import small_data
from tests.running import run_script
from trained_nets import held_out
from trained_nets.loading import load_run
from trained_nets.predictions import load_nets
from trained_nets.run_folder import RunFolder

NET1 = ("--model", "net1", "--epochs", 1)
SPECIALISTS = ("--model", "specialists", "--architecture", "net1", "--epochs", 1)


@pytest.fixture(scope="module")
def zipped_folder(small_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("zipped")
    with zipfile.ZipFile(folder / "training.zip", "w") as archive:
        archive.write(small_folder / "training.csv", "training.csv")
    return folder


@pytest.fixture
def train_on(tmp_path):
    """Runs train.py on the data of a folder, into `tmp_path`; returns its status."""
    places = ("--runs", tmp_path, "--precision", "float32")
    return lambda folder, *options: run_script(train, *options, "--data", folder, *places)


def rewrite(run, change):
    """Changes a run's config.json; returns what it holds then."""
    config = json.loads((run / "config.json").read_text())
    change(config)
    (run / "config.json").write_text(json.dumps(config))
    return config


def as_of_an_earlier_version(folder):
    """Returns a change that gives a config.json the form that it had before."""

    def change(config):
        config["data"]["fingerprint"] = load_faces(folder).file_fingerprint
        for entry in ("init_from_weights", "distill_from_weights"):
            del config[entry]

    return change


def add_one_to_the_weights(run):
    model = RunFolder(run).load_model()
    model.set_weights([weight + np.float32(1) for weight in model.get_weights()])
    RunFolder(run).save_model(model)


def test_a_run_goes_on_when_its_data_were_unpacked_and_moved(
    train_on, small_folder, zipped_folder, tmp_path
):
    assert train_on(zipped_folder, *NET1) == 0
    assert train_on(small_folder, *NET1, "--resume") == 0


def test_a_run_of_an_earlier_version_goes_on_with_the_same_file_only(
    train_on, small_folder, zipped_folder, tmp_path, capsys
):
    ensemble = (*NET1, "--folds", 2)
    assert train_on(zipped_folder, *ensemble) == 0
    change = as_of_an_earlier_version(zipped_folder)
    rewrite(tmp_path / "net1", change)
    config = rewrite(tmp_path / "net1/fold1", change)
    capsys.readouterr()
    assert train_on(small_folder, *ensemble, "--resume") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "the data must lie there packed or unpacked as it was then" in line
    faces = load_faces(small_folder)
    assert "packed or unpacked" in held_out.find_held_out(config, "it", faces).reason
    assert train_on(zipped_folder, *ensemble, "--resume") == 0
    config = json.loads((tmp_path / "net1/config.json").read_text())
    assert config["data"]["fingerprint"] == faces.fingerprint
    assert config["init_from_weights"] is None


@pytest.mark.parametrize("option", ["--init-from", "--distill-from"])
def test_a_net_that_a_run_builds_on_may_move_but_not_change(
    option, train_on, small_folder, tmp_path, capsys
):
    assert train_on(small_folder, *NET1, "--name", "first") == 0
    child = (*NET1, "--name", "child")
    assert train_on(small_folder, *child, option, tmp_path / "first") == 0
    (tmp_path / "first").rename(tmp_path / "moved")
    assert train_on(small_folder, *child, option, tmp_path / "moved", "--resume") == 0
    add_one_to_the_weights(tmp_path / "moved")
    capsys.readouterr()
    assert train_on(small_folder, *child, option, tmp_path / "moved", "--resume") == 2
    assert f"{option[2:].replace('-', '_')}_weights" in capsys.readouterr().err


def test_a_run_of_an_earlier_version_takes_its_net_by_its_path(
    train_on, small_folder, tmp_path, capsys
):
    assert train_on(small_folder, *NET1, "--name", "first") == 0
    assert train_on(small_folder, *NET1, "--name", "other", "--seed", 2) == 0
    child = (*NET1, "--name", "child")
    assert train_on(small_folder, *child, "--init-from", tmp_path / "first") == 0
    rewrite(tmp_path / "child", as_of_an_earlier_version(small_folder))
    assert train_on(small_folder, *child, "--init-from", tmp_path / "other", "--resume") == 2
    assert "has init_from" in capsys.readouterr().err
    assert train_on(small_folder, *child, "--init-from", tmp_path / "first", "--resume") == 0


def test_seen_faces_are_found_in_data_packed_in_another_way(
    train_on, small_folder, zipped_folder, tmp_path, capsys
):
    assert train_on(zipped_folder, *NET1, "--hold-out", 0, "--name", "all") == 0
    child = (*NET1, "--name", "child", "--init-from", tmp_path / "all")
    assert train_on(small_folder, *child) == 0
    assert "has seen 12 of the 12 faces" in " ".join(capsys.readouterr().out.split())
    # As a run of an earlier version, on the same file.
    rewrite(tmp_path / "all", as_of_an_earlier_version(zipped_folder))
    assert train_on(zipped_folder, *child, "--overwrite") == 0
    assert "has seen 12 of the 12 faces" in " ".join(capsys.readouterr().out.split())
    assert train_on(zipped_folder, *child, "--overwrite", "--folds", 2) == 2
    assert "has seen faces that the nets of --folds leave out" in capsys.readouterr().err


def test_a_run_on_several_data_sets_goes_on_when_one_was_packed_and_renamed(
    narrow_zoo, train_on, small_folder, zipped_folder, tmp_path
):
    second = tmp_path / "second"
    second.mkdir()
    images, keypoints = small_data.faces(20, seed=9)
    (second / "training.csv").write_text(small_data.training_csv(images, keypoints))
    net = ("--model", "heatmap_s", "--epochs", 1, "--data", second)
    assert train_on(small_folder, *net, "--name", "run") == 0
    config = json.loads((tmp_path / "run/config.json").read_text())
    second.rename(tmp_path / "third")
    renamed = (*net[:-1], tmp_path / "third", "--name", "run", "--resume")
    assert train_on(zipped_folder, *renamed) == 0
    assert json.loads((tmp_path / "run/config.json").read_text()) == config
    (judged,) = load_nets([str(tmp_path / "run")], load_faces(tmp_path / "third"), "validation")
    assert judged.predictions.description.endswith("predicting the labels of second")
    rewrite(tmp_path / "run", lambda config: config["results"].update(finished=False))
    (tmp_path / "run/model.keras").unlink()
    assert train_on(zipped_folder, *renamed) == 0
    assert json.loads((tmp_path / "run/config.json").read_text())["labellers"] == [
        "second",
        small_folder.name,
    ]


def test_a_run_keeps_the_record_of_what_its_ancestors_learned_from(
    train_on, small_folder, tmp_path, capsys
):
    second = tmp_path / "second"
    second.mkdir()
    images, keypoints = small_data.faces(20, seed=9)
    (second / "training.csv").write_text(small_data.training_csv(images, keypoints))
    assert train_on(small_folder, *NET1, "--name", "first") == 0
    first = str(tmp_path / "first")
    assert train_on(second, *NET1, "--name", "later", "--init-from", first) == 0
    capsys.readouterr()
    later = str(tmp_path / "later")
    assert train_on(small_folder, *NET1, "--name", "last", "--init-from", later) == 0
    assert "has seen 12 of the 12 faces" in capsys.readouterr().out
    folds = ("--folds", 2, "--name", "folds", "--init-from", later)
    assert train_on(small_folder, *NET1, *folds) == 2
    assert "has seen faces that the nets of --folds leave out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        (NET1, {"keypoints": ["nose_tip"]}, "fit net1's model.keras, which predicts 15 keypoints"),
        (NET1, {"labellers": ["one", "other"]}, "15 keypoints, not 2 × 15"),
        ((*NET1, "--folds", 2), {"keypoints": ["nose_tip"]}, "15 keypoints, not 1 × 1"),
        (SPECIALISTS, {"labellers": ["one", "other"]}, "2 keypoints, not 2 × 2"),
    ],
)
def test_a_configuration_of_another_net_is_told(
    train_on, small_folder, tmp_path, options, change, message
):
    assert train_on(small_folder, *options, "--name", "run") == 0
    rewrite(tmp_path / "run", lambda config: config.update(change))
    with pytest.raises(UserError, match=message):
        load_run(RunFolder(tmp_path / "run"))
