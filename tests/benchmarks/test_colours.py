"""benchmarks/colours.py: one face in colour, at a known place."""

import numpy as np

from benchmarks import colours, pasted_faces


def test_each_photograph_has_the_face_at_its_square_in_colour():
    for photograph, (left, top, side) in colours.compose(4, seed=1):
        assert photograph.size == (pasted_faces.WIDTH, pasted_faces.HEIGHT)
        pixels = np.asarray(photograph.crop((left, top, left + side, top + side)), float)
        assert pixels.shape == (side, side, 3)
        middle = pixels[side // 3 : -side // 3, side // 3 : -side // 3].mean((0, 1))
        assert middle[0] > middle[1] > middle[2]  # skin


def test_details_that_are_gray_from_the_start_are_left_out():
    assert len(list(colours.in_colour(pasted_faces.details(1, count=12)))) == 6
