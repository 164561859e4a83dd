"""predict.py --jobs: the same results, and processes that are killed, stopped, or fail."""

import os
import pathlib
import shutil
import signal
import sys
import time

import pandas as pd
import pytest
from PIL import Image

import pictures
from pictures.finder import Batch
from pictures.processes import in_processes
from tests import small_data
from tests.pictures import stand_in_finder
from tests.pictures.stand_in_finder import DEADLY, SLOW, StandIn, write_pictures
from tests.running import start

pytest.importorskip("pyarrow")


def write(paths, out, jobs=2, load=None):
    return pictures.write_keypoints(paths, load or StandIn(), pictures.Outputs(out), jobs)


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_two_processes_find_what_one_finds_in_the_same_order(tmp_path):
    paths = write_pictures(tmp_path / "in", [SLOW, *range(10, 109)])
    paths[40].write_bytes(b"no picture")
    for ending in ("csv", "json"):
        one, two = tmp_path / f"one.{ending}", tmp_path / f"two.{ending}"
        assert write(paths, one, jobs=1) == write(paths, two) == 1
        assert one.read_bytes() == two.read_bytes()


def test_a_trained_net_answers_the_same_in_two_processes(tmp_path):
    images, _ = small_data.faces()
    (tmp_path / "in").mkdir()
    for number in range(70):  # more than a batch
        face = Image.fromarray(images[number % len(images), :, :, 0])
        face.rotate(number).save(tmp_path / "in" / f"{number:02}.png")
    drawn = tmp_path / "drawn"
    options = ["--preset", "heatmap_s", "--flip-average", tmp_path / "in", "--draw", drawn]
    one, two = tmp_path / "one.parquet", tmp_path / "two.parquet"
    # The number of threads may decide the last digits.
    for out, jobs in ((one, 1), (two, 2)):
        given = ("predict.py", *options, "--out", out, "--jobs", jobs)
        done = start(*given, TF_NUM_INTRAOP_THREADS="1")
        assert done.returncode == 0, done.stderr
        assert len(list(drawn.iterdir())) == 70
        shutil.rmtree(drawn)
    assert contents(one) == contents(two)


def test_no_more_batches_are_taken_than_fit_into_memory(tmp_path):
    taken = []
    (slow,) = write_pictures(tmp_path / "slow", [SLOW])
    (fast,) = write_pictures(tmp_path / "fast", [9])

    def batches():
        for number in range(50):
            taken.append(number)
            yield Batch([fast if number else slow])

    with in_processes(StandIn(), 2) as ready:
        found = ready.find(batches())
        assert next(found)[0].path == slow
        assert len(taken) <= 10
        assert sum(each[0].path == fast for each in found) == 49


def test_a_mistake_is_told_once(tmp_path, capfd):
    load = StandIn(mistake="There is no such net.")
    with pytest.raises(pictures.UnreadablePictureError.__base__, match="There is no such net"):
        write(write_pictures(tmp_path / "in", [9, 9]), tmp_path / "found.csv", load=load)
    assert capfd.readouterr().err == ""
    assert not (tmp_path / "found.csv").exists()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_picture_that_kills_its_process_costs_itself_alone(tmp_path, ending, monkeypatch, capsys):
    monkeypatch.setattr("pictures.shards.PICTURES_PER_SHARD", 16)
    paths = write_pictures(tmp_path / "in", [9] * 70 + [DEADLY] + [9] * 30)
    out = tmp_path / f"found.{ending}"
    assert write(paths, out) == 1
    skipped, number = capsys.readouterr().err.splitlines()
    assert f"skipped: {paths[70]} ended each process that tried to read it" in skipped
    assert "1 of 101 pictures could not be read" in number
    paths[70].write_bytes(b"no picture")  # what one process makes of the rest
    assert write(paths, tmp_path / f"one.{ending}", jobs=1) == 1
    received, expected = (read(tmp_path / f"{name}.{ending}") for name in ("found", "one"))
    pd.testing.assert_frame_equal(received, expected)


def read(path):
    """A table without why pictures could not be read."""
    table = pd.read_parquet(path) if path.is_dir() else pd.read_csv(path)
    return table.drop(columns="error", errors="ignore")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_ctrl_c_ends_all_processes_in_one_line(tmp_path, ending):
    out = tmp_path / f"found.{ending}"
    # The second batch takes as long as it takes.
    write_pictures(tmp_path / "in", [9] * 16 + [SLOW] * 1000)
    run = stand_in_finder.start(tmp_path / "in", out)
    try:
        _wait_until_busy(run.pid, 2)
        os.killpg(run.pid, signal.SIGINT)  # as the terminal does
        start = time.monotonic()
        _, error = run.communicate(timeout=20)
        assert time.monotonic() - start < 10  # 5 on a machine that is not busy
    finally:
        run.kill()
    assert run.returncode == 130
    assert len(error.splitlines()) == 1
    assert "interrupted" in error
    _require_end(run.pid)
    assert not list(tmp_path.glob("**/.tmp-*"))


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_processes_end_with_their_parent(tmp_path):
    write_pictures(tmp_path / "in", [SLOW] * 1000)
    run = stand_in_finder.start(tmp_path / "in", tmp_path / "found.parquet")
    try:
        _wait_until_busy(run.pid, 2)
    finally:
        run.kill()
    run.communicate()
    _require_end(run.pid)


def _require_end(number):
    """Requires that a process group ends, the tracker of `multiprocessing` last of all."""
    deadline = time.monotonic() + 10
    while _group(number) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _group(number)


def _group(number):
    """The processes of a process group that still run."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group, *_ = stat.read_text().rpartition(") ")[2].split()
        except OSError:  # ended meanwhile
            continue
        if int(group) == number and state != "Z":
            found.append(int(stat.parent.name))
    return found


def _wait_until_busy(group, workers):
    """Waits until the processes of a run have loaded what they need."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        others = [each for each in _group(group) if each != group]
        loaded = sum("PIL" in _maps(each) for each in others)
        if loaded >= workers:
            time.sleep(0.5)
            return
        time.sleep(0.05)
    raise AssertionError("The processes did not start.")


def _maps(process):
    try:
        return pathlib.Path(f"/proc/{process}/maps").read_text()
    except OSError:
        return ""
