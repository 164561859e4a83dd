"""Faces in shards are the same as faces in memory, without being there."""

import itertools
import json
import pathlib
import pickle
import shutil
import tracemalloc

import numpy as np
import pytest

import data_pipeline
import evaluate
import train
from benchmarks.run_contents import differing
from data_pipeline import (
    FaceData,
    ShardWriter,
    convert,
    flip_half,
    join,
    load_faces,
    split,
    split_digest,
    summary_table,
    training_batches,
)
from data_pipeline.stored_rows import StoredRows
from errors import UserError
from tests import small_data
from tests.killing import killed_in_epoch
from tests.run_fixtures import mean_net
from tests.running import run_script
from training.results import measure_results


@pytest.fixture(scope="module")
def whole():
    return FaceData(*small_data.faces(), groups=np.arange(60) // 2, labellers=("somebody",))


def write(folder, data, faces_per_file=7, pieces=5):
    with ShardWriter(folder, data.labellers[0], faces_per_file=faces_per_file) as writer:
        for rows in np.array_split(np.arange(len(data)), pieces):
            piece = data.rows(rows)
            writer.add(piece.images, piece.keypoints, piece.groups)
    return folder


@pytest.fixture(scope="module")
def folder(whole, tmp_path_factory):
    return write(tmp_path_factory.mktemp("shards") / "somebody's", whole)


def assert_equal(received, expected):
    np.testing.assert_array_equal(received.images, expected.images)
    np.testing.assert_array_equal(received.keypoints, expected.keypoints)
    np.testing.assert_array_equal(received.groups, expected.groups)
    assert received.labellers == expected.labellers


def test_the_same_faces_come_back(whole, folder):
    data = load_faces(folder)
    assert isinstance(data.images, StoredRows)
    assert isinstance(data.keypoints, StoredRows)
    assert data.images.shape == whole.images.shape
    assert data.keypoints.shape == whole.keypoints.shape
    for index in (np.s_[3:9, [0, 2], 1], 40, (np.int64(8), 3), np.s_[:, 1], np.s_[..., 0]):
        np.testing.assert_array_equal(data.keypoints[index], whole.keypoints[index])
    assert_equal(data, whole)
    assert data.description == "somebody's"
    assert sorted(file.name for file in folder.iterdir()) == [
        "faces.json",
        "groups.npy",
        *[f"images-{number:05}.npy" for number in range(9)],
        "keypoints.npy",
    ]


def test_parts_of_them_are_the_same(whole, folder):
    data = load_faces(folder)
    for rows in ([], [59, 0, 7, 6, 7], np.arange(60) % 3 == 0):
        assert_equal(data.rows(rows), whole.rows(rows))
    assert_equal(data.select(["nose_tip"]), whole.select(["nose_tip"]))
    for received, expected in zip(split(data, 3), split(whole, 3), strict=True):
        assert_equal(received, expected)


def test_batches_are_the_same(whole, folder):
    both = (
        itertools.islice(training_batches(data, 8, 1, flip_half, first_epoch=2), 20)
        for data in (load_faces(folder), whole)
    )
    for received, expected in zip(*both, strict=True):
        np.testing.assert_array_equal(received[0], expected[0])
        np.testing.assert_array_equal(received[1], expected[1])


def test_they_can_be_joined_with_faces_in_memory(whole, folder):
    other = FaceData(whole.images[::-1], whole.keypoints[::-1], np.arange(60), labellers=("other",))
    some = load_faces(folder).rows(np.arange(5, 30))
    joined = join([some, other, some.rows([1, 0])])
    assert isinstance(joined.images, StoredRows)
    expected = join([whole.rows(np.arange(5, 30)), other, whole.rows([6, 5])])
    assert_equal(joined, expected)


def test_pickled_they_are_the_names_of_files(folder):
    data = load_faces(folder)
    np.asarray(data.images[:1])  # open by now
    pickled = pickle.dumps(data)
    assert len(pickled) < 60 * 120  # the labels' bytes alone; the pixels have 9,216 a face
    assert_equal(pickle.loads(pickled), data)


def test_pictures_do_not_fill_memory(tmp_path):
    status = pathlib.Path("/proc/self/status")
    if not status.is_file() or "RssAnon" not in status.read_text():
        pytest.skip("needs Linux, which says how much memory is not just a copy of a file")

    def used():
        line = next(line for line in status.read_text().splitlines() if "RssAnon" in line)
        return int(line.split()[1]) / 1024  # MB

    faces = 20_000  # 184 MB
    rng = np.random.default_rng(0)
    with ShardWriter(tmp_path / "many", "nobody", faces_per_file=1000) as writer:
        for first in range(0, faces, 1000):
            images = rng.integers(0, 256, (1000, 96, 96, 1), np.uint8)
            keypoints = np.full((1000, 15, 2), 47.5, np.float32)
            writer.add(images, keypoints, np.arange(first, first + 1000))
    batches = iter(training_batches(load_faces(tmp_path / "many"), 500, seed=1))
    next(batches)
    before = used()
    total = sum(int(next(batches)[0].numpy().astype(np.int64).sum()) for _ in range(faces // 500))
    assert total / (faces * 96 * 96) == pytest.approx(127.5, abs=1)
    assert used() - before < 75


def test_labels_do_not_fill_memory(folder):
    """What is worked out from all faces needs little more than their row numbers."""
    data = load_faces(folder).rows(np.arange(100_000) % 60)
    net = mean_net(np.full((15, 2), 47.5, np.float32))
    tracemalloc.start()
    try:
        summary_table(data)
        train, valid = (side.usable("labelled") for side in split(data, seed=1))
        results = measure_results(net, [{"seconds": "1"}], train, valid, 0, finished=True)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert results.validation.labels == np.isfinite(valid.keypoints).sum()
    assert most < 18e6  # labels and predictions are 12 MB each


def test_training_and_judging_are_the_same_as_from_the_table(small_folder, tmp_path, capsys):
    shards = tmp_path / "shards"
    assert run_script(convert, "--data", small_folder, "--out", shards) == 0
    assert f"Wrote 60 faces to {shards}." in capsys.readouterr().out
    common = ("--model", "net1", "--set", "rows=labelled", "--epochs", "2", "--runs", tmp_path)
    for name, data in (("table", small_folder), ("shards_run", shards)):
        assert run_script(train, *common, "--data", data, "--name", name) == 0
    table, run = (
        json.loads((tmp_path / name / "config.json").read_text())
        for name in ("table", "shards_run")
    )
    for config in (table, run):
        del config["data"]["path"], config["results"]["seconds"]
    assert run == table
    assert load_faces(shards).labellers == load_faces(small_folder).labellers
    capsys.readouterr()
    for data in (small_folder, shards):  # each run on the other's data as well
        runs = (tmp_path / "table", tmp_path / "shards_run")
        file = tmp_path / f"{data.name}.json"
        assert run_script(evaluate, *runs, "--data", data, "--json", file) == 0
        judged = json.loads(file.read_text())
        assert len({net["rmse_px"]["value"] for net in judged["nets"]}) == 1


def test_a_killed_training_goes_on_as_if_from_the_table(small_folder, tmp_path, monkeypatch):
    shards = tmp_path / "shards"
    assert run_script(convert, "--data", small_folder, "--out", shards) == 0
    net = ("--model", "net1", "--set", "rows=labelled", "--epochs", "4", "--runs", tmp_path)
    assert run_script(train, *net, "--data", small_folder, "--name", "table") == 0
    killed = (*net, "--data", shards, "--name", "killed")
    with killed_in_epoch(1, monkeypatch):
        run_script(train, *killed)
    assert run_script(train, *killed, "--resume") == 0
    assert differing(tmp_path / "killed", tmp_path / "table") == ["config.json"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "keypoints.npy").unlink(),
        lambda folder: (folder / "groups.npy").unlink(),
        lambda folder: (folder / "images-00003.npy").unlink(),
        lambda folder: (folder / "images-00003.npy").write_bytes(b"nothing"),
        lambda folder: cut(folder / "images-00003.npy"),
        lambda folder: cut(folder / "keypoints.npy"),
        lambda folder: cut(folder / "groups.npy"),
        lambda folder: cut(folder / "faces.json"),
        lambda folder: (folder / "faces.json").write_text("[]"),
        lambda folder: (folder / "faces.json").write_text("{}"),
        lambda folder: (folder / "faces.json").write_text('{"version": 1}'),
        lambda folder: np.save(folder / "images-00003.npy", np.zeros((6, 96, 96, 1), np.uint8)),
        lambda folder: np.save(folder / "images-00003.npy", np.zeros((7, 96, 96, 1), np.float32)),
        lambda folder: (folder / "images-00001.npy").write_bytes(b""),
        lambda folder: (folder / "images-00001.npy").write_bytes(b"PK\x03\x04"),
        lambda folder: np.save(folder / "keypoints.npy", np.zeros((59, 15, 2), np.float32)),
        lambda folder: np.save(folder / "keypoints.npy", np.zeros((60, 15, 2))),
        lambda folder: np.save(folder / "groups.npy", np.zeros(60)),
    ],
)
def test_damage_is_told(whole, tmp_path, damage):
    damage(write(tmp_path / "shards", whole))
    with pytest.raises(UserError, match="shards .*Write the shards again"):
        load_faces(tmp_path / "shards")


def cut(file):
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def test_a_failed_piece_leaves_nothing(whole, tmp_path):
    folder = tmp_path / "shards"

    def write_and_fail():
        with ShardWriter(folder, "somebody", faces_per_file=7) as writer:
            writer.add(whole.images, whole.keypoints, whole.groups)
            assert list(folder.glob("images-*"))
            writer.add(whole.images.astype(np.float32), whole.keypoints, whole.groups)

    with pytest.raises(ValueError, match=r"images must be uint8 \(n, 96, 96, 1\)"):
        write_and_fail()
    assert not list(folder.iterdir())
    assert len(load_faces(write(folder, whole))) == 60


def test_a_folder_that_a_kill_left_is_written_anew(whole, tmp_path):
    (tmp_path / ".unfinished-shards").touch()
    for number in range(50):
        (tmp_path / f"images-{number:05}.npy").write_bytes(b"half")
    (tmp_path / "keypoints.npy").write_bytes(b"half")
    (tmp_path / ".tmp-1-groups.npy").write_bytes(b"half")
    assert_equal(load_faces(write(tmp_path, whole)), whole)
    assert len(list(tmp_path.iterdir())) == 12


@pytest.mark.parametrize("name", ["faces.json", "photo.jpg", "keypoints.npy", "images-00000.npy"])
def test_other_folders_are_left_alone(whole, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        write(tmp_path, whole)
    assert (tmp_path / name).read_text() == "mine"


def test_wrong_pieces_are_refused(whole, tmp_path):
    with pytest.raises(UserError, match="no faces"), ShardWriter(tmp_path / "none", "nobody"):
        pass
    for wrong in (
        (whole.images[:5], whole.keypoints, whole.groups),
        (whole.images, whole.keypoints[:, :14], whole.groups),
        (whole.images, whole.keypoints, whole.groups[:5]),
        (whole.images, whole.keypoints, whole.groups / 2),
        (whole.images, np.full_like(whole.keypoints, np.inf), whole.groups),
        (whole.images, whole.keypoints + 1000, whole.groups),
    ):
        writer = ShardWriter(tmp_path / "wrong", "me")
        with pytest.raises(ValueError, match="Received"), writer:
            writer.add(*wrong)


def test_an_array_may_be_filled_again_for_the_next_piece(tmp_path):
    images, keypoints = np.empty((4, 96, 96, 1), np.uint8), np.empty((4, 15, 2), np.float32)
    groups = np.arange(4)
    with ShardWriter(tmp_path / "shards", "me", faces_per_file=5) as writer:
        for piece in range(3):
            for array in (images, keypoints):
                array[:] = piece
            writer.add(images, keypoints, groups)
            groups += 4
    data = load_faces(tmp_path / "shards")
    expected = np.repeat([0, 1, 2], 4)
    np.testing.assert_array_equal(np.asarray(data.images)[:, 0, 0, 0], expected)
    np.testing.assert_array_equal(data.keypoints[:, 0, 0], expected)
    np.testing.assert_array_equal(data.groups, np.arange(12))


def test_half_a_keypoint_is_none_as_in_tables(whole, tmp_path):
    keypoints = whole.keypoints.copy()
    keypoints[0, 3, 1] = np.nan
    with ShardWriter(tmp_path / "shards", "me") as writer:
        writer.add(whole.images, keypoints, whole.groups)
    assert np.isnan(load_faces(tmp_path / "shards").keypoints[0, 3]).all()


def test_a_labellers_name_that_means_another_is_refused(small_folder, tmp_path):
    with pytest.raises(UserError, match="must not end with .four_point"):
        ShardWriter(tmp_path / "shards", "me.four_point")
    small_folder = shutil.copytree(small_folder, tmp_path / "my.four_point")
    with pytest.raises(UserError, match="must not end with .four_point"):
        load_faces(small_folder)


def test_they_are_found_from_another_folder(whole, tmp_path, monkeypatch):
    write(tmp_path / "shards", whole)
    monkeypatch.chdir(tmp_path)
    data = load_faces("shards")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert_equal(data, whole)


def test_more_files_than_a_process_may_open(whole, tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    faces = whole.rows(np.arange(300) % 60)
    resource.setrlimit(resource.RLIMIT_NOFILE, (280, hard))
    try:
        write(tmp_path / "shards", faces, faces_per_file=1)
        assert_equal(load_faces(tmp_path / "shards"), faces)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_shards_are_converted_piece_by_piece(folder, tmp_path, monkeypatch):
    pieces = []
    add = ShardWriter.add

    def counted(writer, images, *others):
        pieces.append(len(images))
        add(writer, images, *others)

    monkeypatch.setattr(ShardWriter, "add", counted)
    monkeypatch.setattr(convert, "FACES", 8)
    run_script(convert, "--data", folder, "--out", tmp_path / "again")
    assert pieces == [8] * 7 + [4]
    assert load_faces(tmp_path / "again").fingerprint == load_faces(folder).fingerprint


def test_the_split_is_the_same_as_of_the_table(small_folder, tmp_path):
    table = load_faces(small_folder)
    run_script(convert, "--data", small_folder, "--out", tmp_path / "shards", "--labeller", "me")
    data = load_faces(tmp_path / "shards")
    assert data.labellers == ("me",)
    assert data.fingerprint == table.fingerprint
    assert data.grouped_by == table.grouped_by
    assert split_digest(split(data, 4)[1]) == split_digest(split(table, 4)[1])


def test_the_pipeline_is_imported_when_it_is_used():
    assert not hasattr(data_pipeline, "no_such_name")
    assert data_pipeline.ShardWriter is ShardWriter
