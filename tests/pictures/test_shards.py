"""Parquet shards: what is in them, and how a later command completes them."""

import json
import os

import numpy as np
import pytest

import keypoint_schema
import pictures
from errors import UserError
from pictures import progress, shards
from tests.pictures.stand_in_finder import StandIn, write_pictures

pd = pytest.importorskip("pandas")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch):
    monkeypatch.setattr(shards, "PICTURES_PER_SHARD", 4)


def write(paths, out, resume=False, load=None, drawn=None):
    outputs = pictures.Outputs(out, drawn, resume)
    outputs.require_writable()
    return pictures.write_keypoints(paths, load or StandIn(), outputs)


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def paths(tmp_path):
    return write_pictures(tmp_path / "in", range(10, 20))


def test_a_shard_tells_how_uncertain_a_net_is(paths, tmp_path):
    class Uncertain(StandIn):
        def predict(self, images):
            answers = super().predict(images)
            numbers = np.broadcast_to(np.arange(answers.shape[1]), answers.shape[:2])
            return np.concatenate([answers, numbers[..., np.newaxis]], axis=-1)

    out = tmp_path / "found.parquet"
    assert write(paths, out, load=Uncertain()) == 0
    table = pd.read_parquet(out)
    for number, name in enumerate(keypoint_schema.NAMES):
        assert (table[f"{name}_uncertainty"] == number).all()


def test_a_shard_has_a_row_for_each_face_and_each_picture_without(paths, tmp_path, capsys):
    class NobodyInTheSecond(StandIn):
        def find(self, picture):
            return super().find(picture) * (picture.getpixel((0, 0)) != 11)

    paths[2].write_bytes(b"no picture")
    paths[3].unlink()
    out = tmp_path / "found.parquet"
    assert write(paths, out, load=NobodyInTheSecond()) == 1
    assert [file.name for file in sorted(out.iterdir())] == [
        f"part-0000{number}.parquet" for number in range(3)
    ]
    table = pd.read_parquet(out)
    assert table["picture"].tolist() == [str(path) for path in paths]
    start = ["picture", "picture_width", "picture_height", "face", "confidence"]
    start += ["left", "top", "width", "height"]
    uncertainties = [f"{name}_uncertainty" for name in keypoint_schema.NAMES]
    columns = [*start, *keypoint_schema.column_names(), *uncertainties, "error"]
    assert list(table.columns) == columns
    assert table[uncertainties].isna().all(axis=None)
    assert table["face"].isna().tolist() == [False, True, True, True] + [False] * 6
    assert table["nose_tip_x"].dropna().tolist() == [10, 14, 15, 16, 17, 18, 19]
    assert table["picture_width"][1] == 96
    assert "0002.png cannot be read as a picture" in table["error"][2]
    assert table["error"][3].endswith(
        "0003.png cannot be read as a picture: No such file or directory"
    )
    assert table["error"].isna().sum() == 8
    assert capsys.readouterr().err.endswith(": 2 of 10 pictures could not be read\n")


def test_what_is_missing_is_found_again_and_nothing_else(paths, tmp_path, capsys):
    out, seen = tmp_path / "found.parquet", []

    class Watched(StandIn):
        def find(self, picture):
            seen.append(picture.getpixel((0, 0)))
            return super().find(picture)

    paths[9].write_bytes(b"no picture")
    write(paths, out)
    expected = contents(out)
    (out / "part-00001.parquet").unlink()
    kept = os.stat(out / "part-00000.parquet").st_mtime_ns
    capsys.readouterr()
    assert write(paths, out, resume=True, load=Watched()) == 1
    assert seen == [14, 15, 16, 17]
    assert contents(out) == expected
    assert os.stat(out / "part-00000.parquet").st_mtime_ns == kept
    printed = capsys.readouterr()
    assert printed.out == f"Wrote {out}: 9 faces.\n"
    assert printed.err.endswith(": 1 of 10 pictures could not be read\n")


def test_ctrl_c_keeps_whole_shards_and_the_rest_can_be_added(paths, tmp_path, capsys):
    class Interrupted(StandIn):
        def find(self, picture):
            if picture.getpixel((0, 0)) == 17:
                raise KeyboardInterrupt
            return super().find(picture)

    out = tmp_path / "found.parquet"
    (out).mkdir()
    (out / ".tmp-999999999-part-00000.parquet").touch()  # of a process that was killed
    assert write(paths, out, load=Interrupted()) == 130
    error = capsys.readouterr().err
    assert error.endswith(": interrupted after 4 of 10 pictures; --resume goes on\n")
    assert [file.name for file in out.iterdir()] == ["part-00000.parquet"]
    assert write(paths, out, resume=True) == 0
    write(paths, tmp_path / "whole.parquet")
    assert contents(out) == contents(tmp_path / "whole.parquet")


def test_results_are_not_mixed(paths, tmp_path):
    out = tmp_path / "found.parquet"
    write(paths, out)
    before = contents(out)
    with pytest.raises(UserError, match="has results already. --resume completes them"):
        write(paths, out)
    with pytest.raises(UserError, match="found.parquet has weights 1, this command has 2"):
        write(paths, out, resume=True, load=StandIn("2"))
    with pytest.raises(UserError, match="has pictures 10, this command has 9"):
        write(paths[:9], out, resume=True)
    with pytest.raises(UserError, match="has paths [0-9a-f]+, this command has"):
        write(paths[::-1], out, resume=True)
    assert contents(out) == before
    (out / "part-00001.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match=r"part-00001.parquet is damaged.*--resume finds"):
        write(paths, out, resume=True)


def test_pictures_found_by_an_earlier_command_are_not_said_to_be_drawn(paths, tmp_path, capsys):
    out, drawn = tmp_path / "found.parquet", tmp_path / "drawn"
    write(paths, out)
    with pytest.raises(UserError, match="has --draw None, this command has .*drawn"):
        write(paths, out, resume=True, drawn=drawn)
    assert not drawn.exists()
    assert write(paths, out, resume=True) == 0
    other = tmp_path / "other.parquet"
    write(paths, other, drawn=drawn)
    (other / "part-00001.parquet").unlink()
    capsys.readouterr()
    assert write(paths, other, resume=True, drawn=drawn) == 0
    assert f"Drew 10 pictures into {drawn}." in capsys.readouterr().out
    assert len(list(drawn.iterdir())) == 10


def test_settings_are_recorded(paths, tmp_path):
    write(paths, tmp_path / "found.parquet")
    schema = parquet.read_schema(tmp_path / "found.parquet/part-00000.parquet")
    known = json.loads(schema.metadata[b"facial_keypoints"])
    assert known["settings"]["weights"] == "1"
    assert known["settings"]["pictures"] == 10
    assert known["tally"] == {"pictures": 4, "faces": 4, "unreadable": 0}


def test_a_file_in_the_folders_place_is_told(paths, tmp_path):
    (tmp_path / "found.parquet").touch()
    with pytest.raises(UserError, match="names a folder"):
        write(paths, tmp_path / "found.parquet")


def test_any_file_name_can_be_written(tmp_path):
    odd = tmp_path / os.fsdecode(b"\xff.png")
    for ending in ("json", "csv", "parquet"):
        out = tmp_path / f"found.{ending}"
        assert write([odd], out) == 1
        text = pd.read_parquet(out).to_csv() if ending == "parquet" else out.read_text()
        assert "udcff.png" in text


def test_a_run_without_a_terminal_tells_how_far_it_is(monkeypatch, capsys):
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    with progress.progress(7, "pictures", done=4) as counted:
        assert list(counted("abc")) == ["a", "b", "c"]
    first, _, last = capsys.readouterr().err.splitlines()
    assert "5 of 7 pictures, " in first
    assert last.endswith("/s, 0 min left")
    assert progress._minutes(3 * 3600 + 125) == "3 h 2 min"
