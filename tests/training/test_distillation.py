"""What a teacher makes of labels, worked out by hand, and --distill-from as a person uses it."""

import dataclasses
import json

import numpy as np
import pytest

import data_pipeline
import keypoint_schema
from data_pipeline import FaceData
from errors import UserError
from trained_nets.trained_net import TrainedNet
from training import distillation, fit

EYES = ("left_eye_center", "right_eye_center")
ANSWERS = np.array([[70, 40], [25, 40]], np.float32)  # mirrored about 47.5: averaging keeps them
LABELS = np.array([[[74, 42], [np.nan, np.nan]]], np.float32)


def teacher_of(names=EYES, answers=ANSWERS):
    return TrainedNet("teacher", names, lambda images: np.repeat(answers[None], len(images), 0))


def face(**changes):
    fields = {
        "images": np.zeros((1, 96, 96, 1), np.uint8),
        "keypoints": LABELS,
        "groups": np.zeros(1, np.int64),
        "names": EYES,
    }
    return FaceData(**(fields | changes))


def test_labels_go_half_way_and_missing_ones_all_the_way():
    taught = distillation.distilled(face(), teacher_of())
    np.testing.assert_allclose(taught.keypoints, [[[72, 41], [25, 40]]])
    np.testing.assert_array_equal(LABELS[0, 1], np.nan)  # the data are as they were


def test_one_data_set_is_taught_whatever_its_labeller_is_called():
    taught = distillation.distilled(face(labellers=("others",)), teacher_of())
    np.testing.assert_allclose(taught.keypoints, [[[72, 41], [25, 40]]])


def test_the_teacher_is_asked_about_the_mirror_image_too():
    answers = ANSWERS + np.array([2, 0], np.float32)  # to the right of a symmetric answer
    taught = distillation.distilled(face(), teacher_of(answers=answers))
    np.testing.assert_allclose(taught.keypoints, [[[72, 41], [25, 40]]])


def test_the_four_point_labellers_keypoints_stay_for_a_student_who_learns_them():
    corners = ("left_eye_inner_corner", "right_eye_inner_corner")
    answers = np.concatenate([ANSWERS, [[60, 42], [35, 42]]]).astype(np.float32)
    labels = np.full((1, 4, 2), np.nan, np.float32)
    labels[0, 0] = LABELS[0, 0]
    rows = face(keypoints=labels, names=EYES + corners)
    teacher = teacher_of(EYES + corners, answers)
    apart = distillation.distilled(rows.with_four_point_labeller(), teacher)
    # The other eye is that labeller's too, and not the teacher's to place.
    np.testing.assert_allclose(apart.keypoints, [[[74, 42], [np.nan] * 2, [60, 42], [35, 42]]])
    assert apart.labelled_by.tolist() == [1]
    mixed = distillation.distilled(rows, teacher)
    np.testing.assert_allclose(mixed.keypoints, [[[72, 41], [25, 40], [60, 42], [35, 42]]])


def test_a_teacher_teaches_the_rows_of_the_labellers_it_knows():
    both = data_pipeline.join([face(labellers=("a",)), face(labellers=("b",))])
    other = dataclasses.replace(teacher_of(answers=ANSWERS + 1), labels_of="b")
    teacher = dataclasses.replace(
        teacher_of(), labellers=("a", "b"), labels_of="a", open_as=lambda name: other
    )
    taught = distillation.distilled(both, teacher).keypoints
    np.testing.assert_allclose(taught[0], [[72, 41], [25, 40]])
    # The mirror image of (71, 41) and (26, 41) puts the eyes at (69.5, 41) and (24.5, 41).
    assert taught[1, 1, 1] == pytest.approx(41)
    alone = dataclasses.replace(teacher, labellers=("a",))
    untouched = distillation.distilled(both, alone).keypoints[1]
    np.testing.assert_array_equal(untouched, LABELS[0])
    stranger = dataclasses.replace(teacher, labellers=("c",))
    with pytest.raises(UserError, match="learned from c and none of a, b, so it would teach noth"):
        distillation.distilled(both, stranger)


def test_a_teacher_must_know_the_students_keypoints():
    rows = face(keypoints=np.zeros((1, 1, 2), np.float32), names=("nose_tip",))
    with pytest.raises(UserError, match="teacher lacks nose_tip"):
        distillation.distilled(rows, teacher_of())


def test_a_student_is_taught_and_judged_by_the_true_labels(start_train, tmp_path, monkeypatch):
    assert start_train("--model", "net1", "--epochs", 2, "--set", "rows=labelled") == 0
    learned, training_batches = [], data_pipeline.training_batches

    def spy(data, *arguments, **options):
        learned.append(data)
        return training_batches(data, *arguments, **options)

    monkeypatch.setattr(fit.data_pipeline, "training_batches", spy)
    student = ("--model", "net1", "--epochs", 1, "--set", "rows=labelled", "--name", "student")
    assert start_train(*student, "--distill-from", tmp_path / "net1") == 0
    (taught,) = learned
    assert not np.isnan(taught.keypoints).any()
    config = json.loads((tmp_path / "student/config.json").read_text())
    assert config["distill_from"] == str(tmp_path / "net1")
    alone = json.loads((tmp_path / "net1/config.json").read_text())
    assert config["results"]["valid_labels"] == alone["results"]["valid_labels"]
    assert np.sqrt(config["results"]["valid_loss"]) * keypoint_schema.PIXELS_PER_UNIT == (
        pytest.approx(config["results"]["valid_rmse_px"])
    )


def test_specialists_have_a_teacher_too_and_another_one_is_no_resume(start_train, tmp_path, capsys):
    assert start_train("--model", "net1", "--epochs", 1) == 0
    options = ("--model", "specialists", "--architecture", "net1", "--epochs", 1)
    assert start_train(*options, "--distill-from", tmp_path / "net1") == 0
    config = json.loads((tmp_path / "specialists/nose_tip/config.json").read_text())
    assert config["distill_from"] == str(tmp_path / "net1")
    assert start_train(*options, "--resume") == 2
    assert "distill_from" in capsys.readouterr().err


def test_a_teacher_that_has_seen_held_out_faces_is_told(start_train, tmp_path, capsys):
    assert start_train("--model", "net1", "--epochs", 1, "--hold-out", 0) == 0
    student = ("--model", "net1", "--epochs", 1, "--name", "student")
    assert start_train(*student, "--distill-from", tmp_path / "net1") == 0
    assert "has seen 12 of the 12 faces" in capsys.readouterr().out


def test_folds_and_a_teacher_exclude_each_other(start_train, tmp_path, capsys):
    options = ("--model", "net1", "--folds", 2, "--distill-from", "preset:heatmap_s")
    assert start_train(*options) == 2
    assert "give only one of them" in capsys.readouterr().err


def test_a_teacher_of_too_few_keypoints_is_refused_before_training(start_train, tmp_path, capsys):
    options = ("--model", "specialists", "--architecture", "net1", "--epochs", 1)
    assert start_train(*options) == 0
    teacher = tmp_path / "specialists/nose_tip"
    assert start_train("--model", "net1", "--epochs", 1, "--distill-from", teacher) == 2
    assert "lacks left_eye_center" in capsys.readouterr().err
    assert not (tmp_path / "net1").exists()
