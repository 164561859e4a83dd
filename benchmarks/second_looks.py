"""What a second look at another size finds in photographs where the first found no face.

    python -m benchmarks.second_looks --data ~/data/faces

Each photograph has one face, pasted as in `benchmarks.face_detection`, and is 1600 px wide. The
detector shrinks it to 800 px; if it then finds nothing, it looks again, at other sizes and at
another confidence. Printed are the faces that such a look finds, what else it takes for one, and
its CPU time; and the same for turned and enlarged details of the landscapes alone. Needs the extra
`detect`.
"""

import itertools
import time

import numpy as np
from PIL import Image

import command_line
import tensorflow_start
from benchmarks.pasted_faces import HEIGHT, SIDES, WIDTH, compose, details, find_squares

PROGRAM = "python -m benchmarks.second_looks"
_LARGEST = 1600
_LOOKS = ((800, 0.9), (640, 0.9), (640, 0.95), (1200, 0.9), (_LARGEST, 0.9))  # px, confidence
_ENLARGED = _LARGEST / WIDTH  # or there would be no more to see at 1600 px
_SIZES = ((32, 64), SIDES, (340, 800))  # px, of a face before that


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("--data", type=command_line.not_empty, required=True, help="Kaggle's files")
    parser.add_argument(
        "--faces", type=command_line.at_least(1), help="of each size (default: all)"
    )
    parser.add_argument(
        "--details", type=command_line.at_least(1), default=400, help="(default: 400)"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import data_pipeline

    data = data_pipeline.load_faces(arguments.data)
    detectors = {f"{side} px, {least:g} sure": detector(side, least) for side, least in _LOOKS}
    print("| what is shown | looked at | pictures | CPU s each | faces found | false alarms |")
    print("|:--|:--|--:|--:|--:|--:|")
    for sides in _SIZES:
        photographs = compose(data, arguments.seed, 1, sides)
        photographs = map(enlarged, itertools.islice(photographs, arguments.faces))
        low, high = (round(side * _ENLARGED) for side in sides)
        report(f"faces, {low} to {high} px wide", photographs, detectors)
    landscapes = details(arguments.seed, arguments.details, _LARGEST)
    report("details of landscapes", ((each, []) for each in landscapes), detectors)


def detector(side, min_score):
    """Finds boxes in one look, at photographs that are shrunk to a size first."""
    from pictures.cropping import Box
    from pictures.framing import square_finder

    def find(picture):
        rgb = np.asarray(picture.convert("RGB"))
        squares, _ = square_finder(side, looks=(1.0,))(rgb, np.float32(min_score))
        return [Box(*square) for square in squares.numpy().tolist()]

    find(Image.new("L", (100, 100)))  # the first one sets up the graph
    return find


def enlarged(made):
    """A photograph of `compose` and its squares."""
    photograph, squares, _ = made
    size = round(WIDTH * _ENLARGED), round(HEIGHT * _ENLARGED)
    return photograph.resize(size), [tuple(_ENLARGED * value for value in each) for each in squares]


def report(what, pictures, detectors):
    """Prints a row for the first look, and one for each size of the second.

    Args:
        what: is shown.
        pictures: and the squares of the faces in each.
        detectors: by name; the first looks at all, the others where it finds nothing.
    """
    looks = {name: Look(find) for name, find in detectors.items()}
    first, *others = looks.values()
    for picture, squares in pictures:
        if not first.take(picture, squares):
            for other in others:
                other.take(picture, squares)
    for name, look in looks.items():
        print(
            f"| {what} | {name} | {look.pictures} | {look.seconds / max(look.pictures, 1):.3f} "
            f"| {look.found} | {look.false_alarms} |",
            flush=True,
        )


class Look:
    """Counts what one detector finds."""

    def __init__(self, find):
        self._find = find
        self.pictures = self.found = self.false_alarms = 0
        self.seconds = 0.0

    def take(self, picture, squares):
        """Looks at a picture; returns the boxes."""
        began = time.process_time()
        boxes = self._find(picture)
        self.seconds += time.process_time() - began
        found = sum(match is not None for match in find_squares(squares, boxes))
        self.pictures += 1
        self.found += found
        self.false_alarms += len(boxes) - found
        return boxes


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
