import os
import pathlib

import numpy as np
import pytest

from data_pipeline.parsed_cache import cached_arrays, user_folder


class Build:
    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return {"images": np.arange(100)}


@pytest.fixture
def build():
    return Build()


def cache_file(folder):
    return next(folder.glob(".facial_keypoints_cache/*.npz"))


def test_second_load_does_not_build(tmp_path, build):
    for _ in range(2):
        arrays = cached_arrays("key", "training", build, beside=tmp_path)
        np.testing.assert_array_equal(arrays["images"], np.arange(100))
    assert build.calls == 1
    assert not list(tmp_path.rglob(".tmp-*"))


def test_changed_source_builds_anew(tmp_path, build):
    cached_arrays("key", "training", build, beside=tmp_path)
    cached_arrays("other key", "training", build, beside=tmp_path)
    assert build.calls == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text", "header"])
def test_damaged_cache_is_rebuilt(tmp_path, build, damage):
    cached_arrays("key", "training", build, beside=tmp_path)
    file = cache_file(tmp_path)
    content = bytearray(file.read_bytes())
    place = content.index(np.arange(100).tobytes())
    flipped, header = content.copy(), content.copy()
    flipped[place + 8] ^= 1
    header[content.index(b"PK\x01\x02") + 10] = 99  # a compression that Python lacks
    damaged = {
        "cut": content[: len(content) // 2],
        "flip": flipped,
        "header": header,
        "empty": b"",
        "text": b"hm",
    }
    file.write_bytes(damaged[damage])
    arrays = cached_arrays("key", "training", build, beside=tmp_path)
    np.testing.assert_array_equal(arrays["images"], np.arange(100))
    assert build.calls == 2
    cached_arrays("key", "training", build, beside=tmp_path)
    assert build.calls == 2


def test_read_only_data_is_cached_in_the_users_folder(tmp_path, build, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = tmp_path / "data"
    data.mkdir()
    # A file where the cache folder would be stops root too, whom a read-only mode does not.
    (data / ".facial_keypoints_cache").write_text("")
    for _ in range(2):
        cached_arrays("key", "training", build, beside=data)
    assert build.calls == 1
    assert len(os.listdir(user_folder())) == 1


def test_read_only_data_sets_do_not_displace_one_another(tmp_path, build, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".facial_keypoints_cache").write_text("")
    for _ in range(2):
        for name in ("one", "other"):
            cached_arrays(name, "training", build, beside=tmp_path / name)
    assert build.calls == 2


def test_a_user_without_a_home_has_the_cache_beside_the_data(tmp_path, build, monkeypatch):
    def fail():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pathlib.Path, "home", fail)
    for _ in range(2):
        cached_arrays("key", "training", build, beside=tmp_path)
    assert build.calls == 1
    cached_arrays("key", "drawn", build)
    assert build.calls == 2


def test_nowhere_to_write_is_no_error(tmp_path, build, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    cached_arrays("key", "drawn", build)
    cached_arrays("key", "drawn", build)
    assert build.calls == 2
