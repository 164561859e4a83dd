"""benchmarks/fuzz_requests.py: mutated requests hurt nobody, and it would notice if they did."""

import collections
import re

import numpy as np
import pytest

from benchmarks import fuzz_requests
from benchmarks.c_session import ChildError
from tests.running import run_script

KEYPOINTS = np.arange(60, dtype=np.float32).reshape(2, 15, 2)
TENSORS = {"serve_bytes": ("in:0", {"keypoints": "out:0", "error": "out:1"})}


def test_forty_mutated_requests_find_nothing_in_a_preset(capsys):
    assert run_script(fuzz_requests, "--requests", 40, "--seed", 2) == 0
    printed = capsys.readouterr().out
    refused, answered = re.search(r"which (\d+) refused .* (\d+) answered", printed).groups()
    assert int(refused) + int(answered) == 40
    assert int(refused) > 0
    assert int(answered) > 0
    assert printed.endswith("; 0 findings\n")


class Child:
    """Answers `serve_bytes` right to good requests; to mutated ones, as `behave` says."""

    good = fuzz_requests.good_requests()["serve_bytes"]
    memory = 100.0

    def __init__(self, behave):
        self.behave = behave

    def __call__(self, folder):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, feed, value, fetches):
        if value is self.good:
            return 0, "", [KEYPOINTS, np.array([b"", b""], object)]
        return self.behave(value)

    def megabytes(self):
        self.memory += 151
        return self.memory


def refuse(code):
    return lambda value: (code, "why", [])


def crash(value):
    raise ChildError("crashed with status -6")


def answer(keypoints, message):
    def run(value):
        if value.ndim != 1 or value.dtype != object:
            return refuse(fuzz_requests.INVALID_ARGUMENT)(value)
        rows = [len(value), *keypoints.shape[1:]]
        return 0, "", [np.broadcast_to(keypoints, rows), np.full(len(value), message, object)]

    return run


NAN = np.full((1, 15, 2), np.nan, np.float32)


@pytest.mark.parametrize(
    ("behave", "finding"),
    [
        (refuse(fuzz_requests.INVALID_ARGUMENT), None),
        (refuse(13), "code 13: why"),
        (crash, "crashed with status -6"),
        (answer(NAN, b""), "NaN: True"),
        (answer(NAN[..., :1] * np.float32([1, 0]) + [0, 1], b""), "in part|NaN"),
        (answer(KEYPOINTS[:1] + 1, b""), "as good as before, got"),
        (lambda value: (0, "", [KEYPOINTS[:0], np.array([], object)]), "rows were sent"),
        (lambda value: (0, "", [KEYPOINTS, np.array([b"", b""], object)]), "was answered"),
    ],
)
def test_what_a_server_must_not_do_is_a_finding(behave, finding, monkeypatch):
    child = Child(behave)
    child.megabytes = lambda: 100.0
    monkeypatch.setattr(fuzz_requests, "ChildSession", child)
    monkeypatch.setattr(fuzz_requests, "good_requests", lambda: {"serve_bytes": child.good})
    findings, _, growth = fuzz_requests.fuzz("folder", TENSORS, requests=30, seed=0)
    assert growth == 0
    if finding is None:
        assert not findings
    else:
        assert any(re.search(finding, each) for each in findings)


def photograph_outputs(faces, score):
    """Of a batch of three: of two faces, of `faces` with `score` after them, and a refused one."""
    scores = np.float32([[0.9, 0.8], [0.7, score], [np.nan, np.nan]])
    return {
        "scores": scores,
        "boxes": np.repeat(scores[..., np.newaxis], 4, axis=-1),
        "faces": np.int32([2, faces, 0]),
        "error": np.array([b"", b"", b"why"], object),
    }


@pytest.mark.parametrize(
    ("faces", "score", "sound", "finding"),
    [
        (1, 0.0, {0: 0, 1: 1}, None),
        (1, 0.6, {}, "row 1 has 1 faces and other numbers after them"),
        (3, 0.6, {}, "row 1 has 3 faces and other numbers after them"),
        (2, 0.6, {1: 1}, "row 1, as good as before, got"),  # a face more than alone
        (1, 0.0, {1: 0}, "row 1, as good as before, got"),
        (1, np.nan, {}, "row 1 is NaN in part"),
    ],
)
def test_a_photographs_padding_is_no_answer(faces, score, sound, finding):
    files = np.array([b"1", b"2", b"3"], object)
    expected = photograph_outputs(1, 0.0)
    answer = 0, photograph_outputs(faces, score)
    counts = collections.Counter()
    wrong = fuzz_requests.judge(answer, files, files[:2], sound, expected, counts)
    assert (wrong or "").startswith(finding or "")
    assert bool(wrong) == bool(finding)


def test_a_refused_photograph_with_faces_is_a_finding():
    nothing = [np.full(3, np.nan)]
    assert fuzz_requests.is_padded(nothing, 0, refused=True)
    assert not fuzz_requests.is_padded(nothing, 1, refused=True)


def test_growing_memory_is_a_finding(monkeypatch):
    child = Child(refuse(fuzz_requests.INVALID_ARGUMENT))
    monkeypatch.setattr(fuzz_requests, "ChildSession", child)
    monkeypatch.setattr(fuzz_requests, "good_requests", lambda: {"serve_bytes": child.good})
    findings, _, growth = fuzz_requests.fuzz("folder", TENSORS, requests=10, seed=0)
    assert growth == 151
    assert findings == ["memory grew by 151 MB"]
