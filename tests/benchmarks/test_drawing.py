"""benchmarks/drawing.py: its photographs, and what it measures of drawing them."""

import numpy as np
from PIL import Image

from benchmarks import drawing
from pictures.cropping import Box
from pictures.detection import DetectedFace


class WholeDetector:
    def find(self, picture):
        return [DetectedFace(Box(10, 10, 100, 100), 0.9)]


class MiddleNet:
    names = ("nose_tip",)

    def predict(self, images):
        return np.full((len(images), 1, 2), 47.5)


def test_it_draws_photographs_of_any_format_and_times_each_step(tmp_path):
    faces = np.full((2, 96, 96, 1), 255, np.uint8)
    photograph = drawing.compose(faces, (320, 240))
    assert (photograph.size, photograph.mode) == ((320, 240), "RGB")
    for ending in (".png", ".jpg"):
        file, drawn = tmp_path / f"photograph{ending}", tmp_path / f"drawn{ending}"
        photograph.save(file)
        steps = drawing.measure(file, drawn, MiddleNet(), WholeDetector(), rounds=1)
        assert steps.shape == (4,)
        assert (steps[:3] > 0).all()  # marking takes part in the last one, less than its noise
        assert Image.open(drawn).size == (640, 480)  # enlarged, as small pictures are
