"""benchmarks/ablation.py: which trainings it repeats, and what its table says of them."""

import csv
import sys

import pytest

import models
from benchmarks import ablation
from errors import UserError
from tests import small_data

FEW = {ablation.WHOLE: {}, "faces": {"rows": "labelled"}, "flips": {"augmentation": "flip"}}
# Plain and flip-averaged, by change and seed.
ERRORS = {
    (ablation.WHOLE, 1): (2.0, 1.5),
    (ablation.WHOLE, 2): (3.0, 1.75),
    ("faces", 1): (2.5, 1.25),
    ("faces", 2): (2.5, 2.0),
    ("flips", 1): (4.0, 3.5),
    ("flips", 2): (4.5, 3.0),
}


@pytest.fixture
def start(monkeypatch, small_folder, tmp_path):
    """Runs the script with a few changes, one after another into the same file."""
    monkeypatch.setattr(ablation, "CHANGES", FEW)

    def run(*options, data=small_folder):
        arguments = ["--data", data, "--csv", tmp_path / "out.csv", *options]
        monkeypatch.setattr(sys, "argv", ["ablation.py", *map(str, arguments)])
        ablation.main()

    return run


@pytest.fixture
def trained(monkeypatch):
    """Takes the place of training; lists the changes and seeds that were asked for."""
    asked = []

    def measure(key, data):
        asked.append((key["change"], key["seed"]))
        errors = ERRORS[asked[-1]]
        return key | {"rmse_px": errors[0], "rmse_px_flip_average": errors[1], "seconds": 1}

    monkeypatch.setattr(ablation, "measure", measure)
    return asked


def rows_of(text):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:]]


def test_errors_are_means_over_seeds_and_differences_within_one(start, trained, capsys):
    start("--seeds", 1, 2)
    assert rows_of(capsys.readouterr().out) == [
        [ablation.WHOLE, "2.500", "1.625", ""],
        ["faces", "2.500", "1.625", "-0.250 +0.250"],
        ["flips", "4.250", "3.250", "+2.000 +1.250"],
    ]


def test_a_training_is_repeated_for_other_data_precision_net_epochs_or_seed_alone(
    start, trained, tmp_path, monkeypatch
):
    def trainings(*options, **places):
        trained.clear()
        start(*options, **places)
        return len(trained)

    other = tmp_path / "other"
    other.mkdir()
    images, keypoints = (array[:30] for array in small_data.faces())
    (other / "training.csv").write_text(small_data.training_csv(images, keypoints))
    monkeypatch.setattr(models, "choose_precision", lambda wanted: ("float32", "as tested"))
    assert trainings("--seeds", 1) == 3
    assert trainings("--seeds", 1) == 0
    assert trainings("--seeds", 1, 2) == 3
    assert trainings("--seeds", 1, data=other) == 3
    persons = "\n".join(f"{row},{row // 2}" for row in range(30))
    (other / "training_persons.csv").write_text(f"Row,Person\n{persons}\n")
    assert trainings("--seeds", 1, data=other) == 3
    assert trainings("--seeds", 1, "--net", "net1") == 3
    assert trainings("--seeds", 1, "--epochs", 5) == 3
    monkeypatch.setattr(models, "choose_precision", lambda wanted: ("bfloat16", "as tested"))
    assert trainings("--seeds", 1) == 3
    assert trainings("--seeds", 1) == 0


def test_a_seed_that_is_given_twice_counts_once(start, trained, capsys):
    start("--seeds", 2, 2)
    assert trained == [(change, 2) for change in FEW]
    assert rows_of(capsys.readouterr().out)[1] == ["faces", "2.500", "2.000", "+0.250"]


def test_what_the_file_lacks_is_a_dash_in_the_table(monkeypatch):
    monkeypatch.setattr(ablation, "CHANGES", FEW)
    setting = dict.fromkeys(ablation.KEY[:-2], "same")
    rows = [
        {name: str(value) for name, value in (setting | key).items()}
        for key in (
            {"change": ablation.WHOLE, "seed": 1, "rmse_px": 2, "rmse_px_flip_average": 1},
            {"change": ablation.WHOLE, "seed": 2, "rmse_px": 3, "rmse_px_flip_average": 2},
            {"change": "faces", "seed": 2, "rmse_px": 4, "rmse_px_flip_average": 4},
        )
    ]
    assert rows_of(ablation.table(rows, setting, [1, 2])) == [
        [ablation.WHOLE, "2.500", "1.500", ""],
        ["faces", "–", "–", "– +2.000"],
        ["flips", "–", "–", "– –"],
    ]


def test_a_file_with_other_columns_is_refused_and_kept(start, trained, tmp_path):
    old = "net,epochs,change,seed,rmse_px,rmse_px_flip_average,seconds\n"
    (tmp_path / "out.csv").write_text(old)
    with pytest.raises(UserError, match="must have the columns data, .*--csv"):
        start("--seeds", 1)
    assert trained == []
    assert (tmp_path / "out.csv").read_text() == old


def test_nets_are_trained_for_real(start, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ablation, "CHANGES", {ablation.WHOLE: {}})
    start("--net", "net1", "--epochs", 1, "--seeds", 3)
    with open(tmp_path / "out.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["net"], row["epochs"], row["seed"]) == ("net1", "1", "3")
    assert 1 < float(row["rmse_px"]) < 60
    assert f"{float(row['rmse_px_flip_average']):.3f} |  |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [(["--epochs", 0], "--epochs must be at least 1"), (["--epoch", 2], "unrecognized arguments")],
)
def test_mistakes_on_the_command_line_are_told(start, trained, capsys, options, told):
    with pytest.raises(SystemExit) as stopped:
        start(*options)
    assert stopped.value.code == 2
    assert told in capsys.readouterr().err
    assert trained == []


def test_a_place_that_cannot_be_written_is_told_before_the_work(start, trained, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file is a file and no folder"):
        start("--csv", tmp_path / "file" / "out.csv")
    assert trained == []
