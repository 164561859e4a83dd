"""benchmarks/older_tensorflow.py: what another TensorFlow answers is compared in full."""

import sys

import numpy as np
import pytest

from benchmarks import older_tensorflow
from errors import UserError
from exporting.signatures import SIGNATURES
from tests.export_stand_in import with_photo


def test_an_installed_tensorflow_answers_every_signature(tmp_path, tmp_path_factory):
    (tmp_path / "export").symlink_to(with_photo(tmp_path_factory))
    requests = older_tensorflow.make_requests()
    assert sorted(requests) == sorted([*SIGNATURES, "serve_photo"])
    _, answers = older_tensorflow.answers_of(sys.executable, tmp_path, requests)
    assert older_tensorflow.difference(answers, answers) == 0
    for signature in ("serve_bytes", "serve_photo"):
        refused = [bool(message) for message in answers[signature]["error"]]
        assert refused == [False, False, True]
    assert answers["serve_photo"]["faces"].tolist() == [2, 1, 0]
    other = {**answers, "serve_uint8": {"keypoints": answers["serve_uint8"]["keypoints"] + 0.25}}
    assert older_tensorflow.difference(other, answers) == 0.25
    for signature, name, wrong in (
        ("serve_bytes", "error", np.array([b"", b"", b"other words"], object)),
        ("serve_bytes", "keypoints", answers["serve_bytes"]["keypoints"][::-1]),  # NaN elsewhere
        ("serve_photo", "boxes", answers["serve_photo"]["boxes"][:, :1]),
    ):
        changed = {**answers, signature: {**answers[signature], name: wrong}}
        with pytest.raises(RuntimeError, match=f"{signature}, {name}"):
            older_tensorflow.difference(changed, answers)


def test_a_version_that_pip_does_not_have_is_told(tmp_path, monkeypatch):
    failed = type("Process", (), {"returncode": 1, "stderr": "…\nERROR: No matching distribution"})
    monkeypatch.setattr(older_tensorflow.venv, "create", lambda *_, **__: None)
    monkeypatch.setattr(older_tensorflow.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(UserError, match="Received 1.0: ERROR: No matching distribution"):
        older_tensorflow.install("1.0", tmp_path)
