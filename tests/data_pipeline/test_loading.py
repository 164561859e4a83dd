import gzip
import io
import os
import shutil
import time
import zipfile

import numpy as np
import pytest
from sklearn.model_selection import GroupShuffleSplit

from data_pipeline import (
    FaceData,
    folds,
    load_faces,
    load_test,
    split,
    split_digest,
)
from data_pipeline.label_summary import label_counts
from data_pipeline.loading import load_synthetic_test_faces
from data_pipeline.splits import group_rows
from errors import UserError
from tests import small_data


def test_folder_is_loaded(small_folder):
    data = load_faces(small_folder)
    images, keypoints = small_data.faces()
    np.testing.assert_array_equal(data.images, images)
    np.testing.assert_allclose(data.keypoints, keypoints, rtol=1e-6)
    assert data.grouped_by == "image"


@pytest.mark.parametrize(
    ("where", "given", "name"),
    [
        ("ann/training.csv", "ann", "ann"),
        ("ann/training.csv", "ann/training.csv", "ann"),
        ("sets/training_a/training.csv", "sets/training_a", "training_a"),
        ("sets/training.v2/training.csv", "sets/training.v2", "training.v2"),
        ("sets/training_b.zip", "sets/training_b.zip", "training_b"),
        ("sets/training.zip", "sets/training.zip", "sets"),
    ],
)
def test_a_labeller_is_called_as_the_folder_or_the_zip(small_folder, tmp_path, where, given, name):
    file = tmp_path / where
    file.parent.mkdir(parents=True)
    table = small_folder / "training.csv"
    if file.suffix == ".zip":
        with zipfile.ZipFile(file, "w") as archive:
            archive.write(table, "training.csv")
    else:
        shutil.copy(table, file)
    assert load_faces(tmp_path / given).labellers == (name,)


def test_test_faces_are_loaded(small_folder):
    images, image_ids = load_test(small_folder)
    assert len(images) == small_data.NUM_TEST
    assert image_ids.tolist() == list(range(1, small_data.NUM_TEST + 1))


def test_changed_file_is_parsed_anew(tmp_path):
    small_data.write_download(tmp_path)
    load_faces(tmp_path)
    images, keypoints = small_data.faces()
    (tmp_path / "training.csv").write_text(small_data.training_csv(images[:9], keypoints[:9]))
    assert len(load_faces(tmp_path)) == 9


def test_a_change_without_a_newer_date_is_seen(tmp_path):
    """As when a clock was set back, or a copy kept its date: the content counts."""
    small_data.write_download(tmp_path)
    file = tmp_path / "training.csv"
    first = load_faces(tmp_path).keypoints[0, 0, 0]
    dates, content = file.stat(), file.read_text()
    header, number = content.split("\n", 1)[0], content.split("\n", 1)[1].split(",", 1)[0]
    other = ("9" if number[0] != "9" else "8") + number[1:]
    file.write_text(content.replace(f"{header}\n{number}", f"{header}\n{other}", 1))
    os.utime(file, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    assert file.stat().st_size == dates.st_size
    assert load_faces(tmp_path).keypoints[0, 0, 0] == pytest.approx(float(other))
    assert first == pytest.approx(float(number))


@pytest.mark.parametrize("share", [0, 0.5, 0.999])
@pytest.mark.parametrize("name", ["training.csv", "training.csv.gz", "training.zip"])
def test_a_cut_table_is_named_and_read_once_it_is_whole(small_folder, tmp_path, name, share):
    content = (small_folder / "training.csv").read_bytes()
    if name.endswith(".gz"):
        content = gzip.compress(content)
    elif name.endswith(".zip"):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("training.csv", content)
        content = packed.getvalue()
    (tmp_path / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=f"{name}.*"):
        load_faces(tmp_path)
    (tmp_path / name).write_bytes(content)
    assert len(load_faces(tmp_path)) == 60


def test_select_keeps_complete_rows_or_all(small_folder):
    data = load_faces(small_folder)
    corners = ["mouth_right_corner", "nose_tip", "mouth_left_corner"]
    complete = data.select(corners)
    assert len(complete) == 40
    assert complete.names == tuple(corners)
    np.testing.assert_array_equal(complete.keypoints[0], data.keypoints[0, [12, 10, 11]])
    everything = data.select(corners, complete=False)
    assert len(everything) == 60
    assert np.isnan(everything.keypoints[2]).any()


def test_a_row_is_labelled_if_any_keypoint_is():
    keypoints = np.full((16, 15, 2), np.nan, np.float32)
    keypoints[np.arange(15), np.arange(15)] = 40  # the last row has none
    data = FaceData(np.zeros((16, 96, 96, 1), np.uint8), keypoints, np.arange(16))
    labelled = data.labelled()
    assert labelled.groups.tolist() == list(range(15))
    assert labelled.labelled() is labelled  # without a copy


def test_label_counts(small_folder):
    counts = label_counts(load_faces(small_folder))
    assert counts["nose_tip"] == 60
    assert counts["mouth_left_corner"] == 40


def test_identical_images_stay_together():
    images = np.zeros((6, 96, 96, 1), np.uint8)
    images[:, 0, 0, 0] = [1, 2, 1, 3, 2, 4]
    groups = group_rows(images)
    assert groups[0] == groups[2]
    assert groups[1] == groups[4]
    assert len(set(groups)) == 4


def test_persons_who_share_a_picture_stay_together():
    images = np.zeros((5, 96, 96, 1), np.uint8)
    images[:, 0, 0, 0] = [1, 2, 2, 3, 4]
    groups = group_rows(images, persons=np.array([7, 7, 8, 8, -9]))
    assert len(set(groups[:4])) == 1
    assert groups[4] != groups[0]


def test_split_is_seeded_and_keeps_groups_apart():
    groups = np.repeat(np.arange(50), 2)
    data = FaceData(
        np.zeros((100, 96, 96, 1), np.uint8), np.zeros((100, 15, 2), np.float32), groups
    )
    train, valid = split(data, seed=1)
    assert len(train) == 80
    assert len(valid) == 20
    assert not set(train.groups) & set(valid.groups)
    np.testing.assert_array_equal(split(data, seed=1)[1].groups, valid.groups)
    assert set(split(data, seed=2)[1].groups) != set(valid.groups)


def test_folds_keep_groups_whole_and_the_seed_decides():
    groups = np.arange(60) // 3
    data = FaceData(np.zeros((60, 96, 96, 1), np.uint8), np.ones((60, 15, 2), np.float32), groups)
    one, again, other = (folds(data, 4, seed) for seed in (1, 1, 2))
    for outside, inside in one:
        assert not set(groups[outside]) & set(groups[inside])
        assert len(inside) == 15
    first = [each[0][1].tolist() for each in (one, again, other)]
    assert first[0] == first[1] != first[2]
    # Not in the order of the file, whose neighbours may be alike.
    assert np.ptp(groups[first[0]]) > 5


def test_a_digest_tells_equally_large_splits_apart():
    data = FaceData(np.zeros((20, 96, 96, 1)), np.zeros((20, 15, 2)), np.arange(20))
    one, again, other = (split_digest(split(data, seed)[1]) for seed in (1, 1, 2))
    assert one == again != other


@pytest.mark.parametrize("hold_out", [0.05, 0.2, 0.5])
def test_split_is_that_of_scikit_learn(hold_out):
    groups = np.random.default_rng(0).integers(0, 23, size=100) * 7  # with gaps
    data = FaceData(np.zeros((100, 96, 96, 1), np.uint8), np.zeros((100, 15, 2)), groups=groups)
    splitter = GroupShuffleSplit(n_splits=1, test_size=hold_out, random_state=3)
    expected = next(splitter.split(groups, groups=groups))
    for side, rows in zip(split(data, 3, hold_out), expected, strict=True):
        np.testing.assert_array_equal(side.groups, groups[rows])


def test_split_needs_two_pictures():
    data = FaceData(
        np.zeros((3, 96, 96, 1), np.uint8), np.zeros((3, 15, 2), np.float32), np.zeros(3, int)
    )
    with pytest.raises(UserError, match="two different pictures"):
        split(data, seed=0)


def test_persons_file_groups_the_rows(tmp_path):
    small_data.write_download(tmp_path)
    rows = "\n".join(f"{row},{min(row // 10, 4)}" for row in reversed(range(60)))
    (tmp_path / "training_persons.csv").write_text("Row,Person\n" + rows + "\n")
    data = load_faces(tmp_path)
    assert data.grouped_by == "person"
    assert len(set(data.groups)) == 5
    assert np.flatnonzero(data.groups == data.groups[0]).tolist() == list(range(10))
    (tmp_path / "training_persons.csv").write_text("Row,Person\n0,1\n")
    with pytest.raises(UserError, match="each of the 60 data rows"):
        load_faces(tmp_path)


def test_synthetic_test_faces_are_not_the_training_faces(monkeypatch):
    monkeypatch.setattr("data_pipeline.loading.NUM_SYNTHETIC_TRAINING", 12)
    monkeypatch.setattr("data_pipeline.loading.NUM_SYNTHETIC_TEST", 8)
    train, test = load_faces(), load_synthetic_test_faces()
    assert (len(train), len(test)) == (12, 8)
    assert np.isnan(train.keypoints).any()
    assert not np.isnan(test.keypoints).any()
    np.testing.assert_array_equal(load_test()[0], test.images)
    assert not (train.images[:8] == test.images).all(axis=(1, 2, 3)).any()


def test_real_faces_load_within_a_second_the_second_time(real_faces):
    load_faces(real_faces)
    began = time.process_time()
    data = load_faces(real_faces)
    assert time.process_time() - began < 1
    assert len(data) == 3376
    assert len(data.select(data.names)) == 886
    train, valid = split(data, seed=0)
    assert not set(train.groups) & set(valid.groups)
