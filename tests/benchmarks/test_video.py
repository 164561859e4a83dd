"""benchmarks/video.py: its clip, and the errors of what is found in it."""

import numpy as np
import pytest

from benchmarks import video
from keypoint_schema import NAMES
from pictures.cropping import Box, to_photograph
from pictures.records import Face


def test_faces_that_are_found_and_missed_in_a_clip(tmp_path):
    pytest.importorskip("cv2", reason="the extra `video` is not installed")
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 1), np.uint8)
    labels = np.random.default_rng(1).uniform(20, 76, (2, 15, 2))
    squares = video.make_clip(tmp_path / "clip.mp4", images, frames=3)

    def find(frame):
        assert frame.size == (1280, 720)
        left, top, side = squares[number.pop(0)][0]
        box = Box(left, top, side, side)
        return [Face(box, NAMES, to_photograph(labels[0], box), 0.9)]

    number = [0, 1, 2]
    seconds, found = video.find_all(tmp_path / "clip.mp4", find, tmp_path / "drawn.mp4")
    assert not number
    assert min(seconds.values()) > 0
    errors = video.nme(found, squares, labels)
    np.testing.assert_allclose(errors[:, 0], 0, atol=1e-9)
    assert np.isnan(errors[:, 1]).all()


@pytest.mark.parametrize("count", [1, 3])
def test_faces_move_each_in_its_own_part_of_the_frame(count):
    for face in range(count):
        for left, top, side in (video.place(face, count, frame) for frame in range(300)):
            assert 1280 / count * face <= left < left + side <= 1280 / count * (face + 1)
            assert 0 <= top < top + side <= 720
