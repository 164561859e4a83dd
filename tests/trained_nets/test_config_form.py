import json

import pytest

from errors import UserError
from trained_nets.config_form import find_fault
from trained_nets.places import PRESETS
from trained_nets.preset_store import load_preset
from trained_nets.run_folder import RunFolder

CONFIG = {
    "model": "net1",
    "description": "single hidden layer",
    "keypoints": ["nose_tip"],
    "seed": 1,
    "recipe": {"rows": "complete", "net_settings": {}},
    "data": {"fingerprint": "0", "description": "training.csv", "hold_out": 0.2},
    "results": {
        "epochs_run": 3,
        "seconds": 1.5,
        "mirror_offset_px": {"nose_tip": [0.5, 0]},
        "finished": True,
        "valid_rmse_px": 2.5,
        "valid_rmse_px_per_keypoint": {"nose_tip": 2.5},
        "valid_labels": 8,
    },
}


def changed(path, value):
    config = json.loads(json.dumps(CONFIG))
    *folders, last = path.split(".")
    inner = config
    for key in folders:
        inner = inner[key]
    inner[last] = value
    return config


def test_what_train_writes_has_no_fault():
    assert find_fault(CONFIG) is None
    assert find_fault(CONFIG | {"results": None, "recipe": None, "of_a_later_version": 1}) is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("keypoints", True),
        ("keypoints", ["nose"]),
        ("keypoints", [["nose_tip"]]),
        ("keypoints", 10**400),
        ("seed", -5),
        ("seed", True),
        ("seed", 2**32),
        ("description", None),
        ("data", None),
        ("data.fingerprint", None),
        ("data.description", 7),
        ("data.hold_out", 1.0),
        ("data.hold_out", float("nan")),
        ("recipe", "abc"),
        ("recipe.rows", "some"),
        ("results", [1]),
        ("results.epochs_run", "3"),
        ("results.finished", 1),
        ("results.valid_rmse_px_per_keypoint", {"nose_tip": None}),
        ("results.valid_per_labeller", {"faces": {"rmse_px": 2.5}}),
        ("results.mirror_offset_px", {"nose_tip": 0.5}),
        ("results.mirror_offset_px", {"nose_tip": [0.5, None]}),
        ("results.mirror_offset_px", {"nose_tip": [0.5, 1e308]}),
    ],
)
def test_a_wrong_entry_is_named(path, value, tmp_path):
    assert find_fault(changed(path, value)).startswith(f"{path} must be ")
    (tmp_path / "config.json").write_text(json.dumps(changed(path, value)))
    with pytest.raises(UserError, match=f"config.json is damaged: {path} must be"):
        RunFolder(tmp_path).read_config()


FOLD = {"number": 1, "of": 5, "split_seed": 1}


@pytest.mark.parametrize(
    ("config", "path"),
    [
        (changed("data.fold", FOLD | {"split_seed": None}), "data.fold.split_seed"),
        (changed("data.fold", FOLD | {"number": None}), "data.fold.number"),
        (changed("data.fold", {}), "data.fold.number"),
        (changed("data.fold", FOLD) | {"recipe": None}, "recipe.rows"),
        (changed("model", "ensemble"), "folds"),
        *(
            (changed(path, None), path)
            for path in (
                "results.finished",
                "results.epochs_run",
                "results.seconds",
                "results.valid_rmse_px",
                "results.valid_rmse_px_per_keypoint",
            )
        ),
    ],
)
def test_a_fold_an_ensemble_and_results_need_entries_of_their_own(config, path):
    assert find_fault(config).startswith(f"{path} must be ")


def test_results_without_validation_have_no_errors():
    results = {"epochs_run": 3, "seconds": 1.5, "finished": True}
    assert find_fault(CONFIG | {"results": results}) is None


def test_a_whole_fold_and_ensemble_have_no_fault():
    assert find_fault(changed("data.fold", FOLD)) is None
    assert find_fault(changed("model", "ensemble") | {"folds": 5}) is None


@pytest.mark.parametrize("config", [None, 7, "abc", [], [{}]])
def test_what_is_no_object_has_a_fault(config):
    assert "must be" in find_fault(config)


def test_json_that_is_nested_too_deeply_is_a_mistake(tmp_path):
    (tmp_path / "config.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="config.json cannot be read"):
        RunFolder(tmp_path).read_config()


def test_a_card_of_an_unknown_net_is_named(tmp_path, monkeypatch):
    card = json.loads((PRESETS / "heatmap_s/card.json").read_text())
    card["run"]["model"] = "../x"
    monkeypatch.setattr("trained_nets.places.PRESETS", tmp_path)
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/card.json").write_text(json.dumps(card))
    with pytest.raises(UserError, match="preset tiny's card.json .*there is no net '../x'"):
        load_preset("tiny")


def test_a_card_with_a_wrong_entry_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("trained_nets.places.PRESETS", tmp_path)
    (tmp_path / "tiny").mkdir()
    for text, fault in (
        ("[" * 100_000, "recursion"),
        ("[]", "name must be text"),
        (json.dumps({"name": "tiny", "description": "d", "intended_use": 3}), "intended_use must"),
    ):
        (tmp_path / "tiny/card.json").write_text(text)
        with pytest.raises(UserError, match=f"preset tiny's card.json .*{fault}"):
            load_preset("tiny")


def test_a_card_whose_net_cannot_be_built_is_named(tmp_path, monkeypatch):
    card = json.loads((PRESETS / "heatmap_s/card.json").read_text())
    card["run"] |= {"model": "net2", "recipe": {"net_settings": {"hidden_units": []}}}
    monkeypatch.setattr("trained_nets.places.PRESETS", tmp_path)
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/card.json").write_text(json.dumps(card))
    with pytest.raises(UserError, match="preset tiny's card.json .*net2 cannot be built"):
        load_preset("tiny")
