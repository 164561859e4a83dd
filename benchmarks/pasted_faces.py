"""Photographs made of face crops: pasted at known places into landscapes; and these alone."""

import dataclasses
import math

import numpy as np

WIDTH, HEIGHT = 1280, 854  # px, of a photograph
SIDES = (64, 340)  # px, of pasted faces; even by their logarithms
DETAIL = 800  # px: the side of a detail of a landscape
_DETAILS = (120, 400)  # px, before they are enlarged
_NEAR = 0.25  # of a square's side: a box whose centre is nearer than that is of its face


@dataclasses.dataclass(frozen=True)
class Match:
    """The box that a detector has put around a pasted face.

    Attributes:
        box: the `Box`.
        difference: how far its centre is from the square's, x and y, and its width, all in sides.
    """

    box: object
    difference: tuple[float, float, float]


def compose(data, seed, faces_each=5, sides=SIDES):
    """Makes photographs of one face of each person (picture, if it is unknown who is in it).

    Args:
        data: the faces.
        seed: decides places, sizes and which of a person's faces.
        faces_each: how many are pasted into a photograph.
        sides: px, the smallest and the largest of the squares.

    Yields:
        The photograph, the squares (left, top, side) where faces are, and the rows of these faces.
    """
    from PIL import Image

    empty = [image.convert("L").resize((WIDTH, HEIGHT)) for image in landscapes()]
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(data))
    _, first = np.unique(data.groups[order], return_index=True)
    rows = generator.permutation(order[first])
    for number, start in enumerate(range(0, len(rows), faces_each)):
        photograph = empty[number % 2].copy()
        squares, here = [], rows[start : start + faces_each]
        for row in here:
            left, top, side = free_square(generator, squares, sides)
            face = Image.fromarray(data.images[row, :, :, 0])
            photograph.paste(face.resize((side, side), Image.Resampling.BICUBIC), (left, top))
            squares.append((left, top, side))
        yield photograph, squares, here


def details(seed, count=400, side=DETAIL):
    """Makes pictures without a face: turned and enlarged details, every other pair of them gray."""
    from PIL import Image

    both = landscapes()
    generator = np.random.default_rng(seed)
    for number in range(count):
        landscape = both[number % 2].convert("RGB" if number % 4 < 2 else "L")
        seen = int(np.exp(generator.uniform(*np.log(_DETAILS))))
        left, top = (int(generator.integers(0, end - seen)) for end in landscape.size)
        detail = landscape.crop((left, top, left + seen, top + seen))
        turned = detail.rotate(generator.uniform(-180, 180), Image.Resampling.BICUBIC)
        border = math.ceil(seen * (1 - math.sqrt(0.5)) / 2)  # beyond it, no corner is empty
        inside = turned.crop((border, border, seen - border, seen - border))
        yield inside.resize((side, side), Image.Resampling.BICUBIC)


def landscapes():
    """scikit-learn's two, in colour."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    return [Image.fromarray(image) for image in load_sample_images().images]


def free_square(generator, taken, sides=SIDES):
    """A square that overlaps none of the others."""
    while True:
        side = int(np.exp(generator.uniform(*np.log(sides))))
        left, top = (int(generator.integers(0, end - side)) for end in (WIDTH, HEIGHT))
        if all(
            left + side <= x or x + s <= left or top + side <= y or y + s <= top
            for x, y, s in taken
        ):
            return left, top, side


def find_squares(squares, boxes):
    """Returns for each pasted face the first box around it that is left, as a `Match`, or None."""
    matches, left = [], list(boxes)
    for square in squares:
        match = _first_match(square, left)
        if match is not None:
            left.remove(match.box)
        matches.append(match)
    return matches


def _first_match(square, boxes):
    for box in boxes:
        difference = _difference(box, square)
        if np.abs(difference[:2]).max() < _NEAR:
            return Match(box, difference)
    return None


def _difference(box, square):
    left, top, side = square
    grown = (box.width - side) / 2
    return (box.left - left + grown) / side, (box.top - top + grown) / side, box.width / side
