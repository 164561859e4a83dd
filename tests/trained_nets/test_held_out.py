import dataclasses

import numpy as np
import pytest

from data_pipeline import FaceData, folds, split, split_digest
from trained_nets.held_out import as_recorded, count_seen, find_held_out, has_trained_on

FACES = FaceData(
    images=np.zeros((20, 96, 96, 1), np.uint8),
    keypoints=np.full((20, 15, 2), 40, np.float32),
    groups=np.arange(20) // 2,
    fingerprint="these",
    description="these faces",
)
TRAIN, VALID = split(FACES, seed=3)
DATA = {"fingerprint": "these", "description": "these faces", "split": split_digest(VALID)}


def config(**data):
    return {"seed": 3, "recipe": {"rows": "complete"}, "data": DATA | data}


def rows_of(faces):
    return np.isin(FACES.groups, faces.groups)


def test_the_split_is_repeated():
    held_out = find_held_out(config(), "run", FACES)
    np.testing.assert_array_equal(held_out.rows, rows_of(VALID))
    assert held_out.rows.sum() == 4  # two of ten groups


def test_a_run_without_a_digest_has_its_split_repeated_too():
    held_out = find_held_out(config(split=None), "run", FACES)
    np.testing.assert_array_equal(held_out.rows, rows_of(VALID))


def test_a_net_of_an_ensemble_also_left_its_fold_out():
    inside = folds(TRAIN, 4, seed=3)[1][1]
    fold = {"number": 2, "of": 4, "split_seed": 3}
    held_out = find_held_out(config(fold=fold) | {"seed": 4}, "run", FACES)
    expected = rows_of(VALID) | rows_of(TRAIN.rows(inside))
    np.testing.assert_array_equal(held_out.rows, expected)
    assert held_out.rows.sum() == 8


@pytest.mark.parametrize("digest", ["0" * 16, "f" * 16])
def test_a_split_that_comes_out_otherwise_is_not_used(digest):
    held_out = find_held_out(config(split=digest), "run", FACES)
    assert held_out.rows is None
    assert "cannot be repeated" in held_out.reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"hold_out": 0.0}, "run was trained on every face of its data and held none out."),
        ({"fingerprint": "others"}, "run was trained on other data"),
        ({"grouped_by": "person"}, "were split by person, but now by image"),
    ],
)
def test_faces_that_are_not_known_are_explained(data, reason):
    held_out = find_held_out(config(**data), "run", FACES)
    assert held_out.rows is None
    assert reason in held_out.reason


def test_faces_that_are_now_split_by_person_are_explained():
    by_person = dataclasses.replace(FACES, grouped_by="person")
    held_out = find_held_out(config(grouped_by="image"), "run", by_person)
    assert held_out.rows is None
    assert "were split by image, but now by person" in held_out.reason


def test_of_another_runs_faces_those_that_it_trained_on_are_seen():
    _, other = split(FACES, seed=5)
    seen = (~rows_of(VALID) & rows_of(other)).sum()
    assert 0 < count_seen(config(), "run", other, FACES) == seen
    assert count_seen(config(), "run", VALID, FACES) == 0


@pytest.mark.parametrize("data", [{"seen_before": 1}, {"hold_out": 0.0}, {"split": "0" * 16}])
def test_faces_that_may_have_been_seen_count_as_seen(data):
    assert count_seen(config(**data), "run", VALID, FACES) == 4


def test_other_faces_have_not_been_seen():
    others = dataclasses.replace(FACES, fingerprint="others")
    assert count_seen(config(), "run", VALID, others) == 0


def test_what_an_ancestor_was_trained_on_is_known():
    later = config(fingerprint="later", earlier=["these"])
    assert has_trained_on(later, FACES)
    assert count_seen(later, "run", VALID, FACES) == 4
    assert not has_trained_on(config(fingerprint="later"), FACES)


@pytest.mark.parametrize(
    ("recorded", "labellers", "expected"),
    [
        ({"labellers": ["a"]}, ("b",), ("a",)),
        ({"labellers": ["a", "a.four_point"]}, ("b",), ("a",)),
        ({"labellers": ["a"]}, ("b", "b.four_point"), ("a", "a.four_point")),
        ({}, ("b",), ("b",)),
        ({"labellers": ["a"], "fingerprint": "others"}, ("b",), ("b",)),
    ],
)
def test_a_labeller_has_the_name_that_the_run_recorded(recorded, labellers, expected):
    run = config(fingerprint=recorded.get("fingerprint", "these"))
    run |= {"labellers": recorded.get("labellers")}
    assert as_recorded(dataclasses.replace(FACES, labellers=labellers), run).labellers == expected


def test_one_of_several_labellers_has_the_name_that_the_run_recorded():
    sources = [
        DATA | {"fingerprint": name, "labellers": [f"{name} people"]} for name in ("more", "these")
    ]
    run = config(fingerprint="all", sources=sources) | {
        "labellers": ["more people", "these people"]
    }
    assert as_recorded(FACES, run).labellers == ("these people",)
    assert as_recorded(FACES, None) is FACES
