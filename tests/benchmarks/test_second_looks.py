"""benchmarks/second_looks.py: who looks at which pictures, and what is counted."""

import re

from PIL import Image

from benchmarks import second_looks
from pictures.cropping import Box

SQUARE = (0, 0, 100)
FACE, ELSEWHERE = Box(1, 1, 100, 100), Box(300, 300, 50, 50)


def test_second_looks_are_at_pictures_in_which_the_first_found_nothing(capsys):
    looks = {
        "800 px": iter([[FACE], [], [ELSEWHERE], []]).__next__,
        "640 px": iter([[FACE, ELSEWHERE], []]).__next__,
    }
    detectors = {name: lambda _, look=look: look() for name, look in looks.items()}
    pictures = [(Image.new("L", (8, 8)), [SQUARE])] * 3 + [(Image.new("L", (8, 8)), [])]
    second_looks.report("pictures", pictures, detectors)
    first, second = (re.split(r" \| ", row) for row in capsys.readouterr().out.splitlines())
    assert first[1:3] + first[4:] == ["800 px", "4", "1", "1 |"]
    assert second[1:3] + second[4:] == ["640 px", "2", "1", "1 |"]
