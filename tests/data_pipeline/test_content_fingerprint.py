"""The same faces and labels are recognized in any file; other ones are not."""

import gzip
import zipfile

import numpy as np

from data_pipeline import load_faces
from data_pipeline.content_fingerprint import content_fingerprint


def test_it_does_not_depend_on_how_the_file_is_packed(small_folder, tmp_path):
    plain = load_faces(small_folder)
    content = (small_folder / "training.csv").read_bytes()
    with zipfile.ZipFile(tmp_path / "training.zip", "w") as archive:
        archive.writestr("training.csv", content)
    (tmp_path / "gz").mkdir()
    (tmp_path / "gz" / "training.csv.gz").write_bytes(gzip.compress(content))
    zipped, gzipped = load_faces(tmp_path), load_faces(tmp_path / "gz")
    assert plain.fingerprint == zipped.fingerprint == gzipped.fingerprint
    assert len({each.file_fingerprint for each in (plain, zipped, gzipped)}) == 3
    assert zipped.is_known_as(plain.fingerprint)
    assert zipped.is_known_as(zipped.file_fingerprint)  # as runs of earlier versions have it
    assert not zipped.is_known_as(plain.file_fingerprint)
    assert zipped.rows([0, 1]).is_known_as(zipped.file_fingerprint)


def test_one_pixel_one_label_or_another_order_is_other_data(monkeypatch):
    monkeypatch.setattr("data_pipeline.content_fingerprint._CHUNK", 1)
    images = np.arange(2 * 96 * 96).reshape(2, 96, 96, 1).astype(np.uint8)
    keypoints = np.full((2, 15, 2), 48, np.float32)
    keypoints[1, 3] = np.nan
    other_pixel, other_label = images.copy(), keypoints.copy()
    other_pixel[1, 95, 95] += 1
    other_label[1, 3] = 0
    prints = [
        content_fingerprint(images, keypoints),
        content_fingerprint(other_pixel, keypoints),
        content_fingerprint(images, other_label),
        content_fingerprint(images, keypoints[::-1]),
        content_fingerprint(images, keypoints.reshape(2, 10, 3)),
    ]
    assert len(set(prints)) == len(prints)


def test_every_nan_is_the_same_missing_label():
    images = np.zeros((1, 96, 96, 1), np.uint8)
    quiet, negative = np.array([0x7FC00000, 0xFFC00001], np.uint32).view(np.float32)
    missing = [np.full((1, 15, 2), nan, np.float32) for nan in (quiet, negative)]
    assert missing[0].tobytes() != missing[1].tobytes()
    assert content_fingerprint(images, missing[0]) == content_fingerprint(images, missing[1])
