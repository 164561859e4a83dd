"""Whether faces are found as well in gray photographs as in colour.

    python -m benchmarks.colours

The face is Grace Hopper's, in the photograph that comes with Matplotlib, the only one in colour at
hand: cut out with some of what is around it, turned by up to 30 degrees, and pasted into
scikit-learn's landscapes. Each photograph is searched as it is and in gray, and so are turned and
enlarged details of the landscapes alone. Needs the extra `detect`.
"""

import numpy as np

import command_line
import tensorflow_start
from benchmarks.pasted_faces import HEIGHT, WIDTH, details, find_squares, free_square, landscapes

PROGRAM = "python -m benchmarks.colours"
_FACE = (155, 106, 383, 334)  # px: left, top, right and bottom of the square around it
_SIDES = (32, 340)  # px, of the pasted square
_TURNED = 30  # degrees


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("--photographs", type=command_line.at_least(1), default=200)
    parser.add_argument("--details", type=command_line.at_least(1), default=400)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import pictures

    detector = pictures.FaceDetector()
    photographs = list(compose(arguments.photographs, arguments.seed))
    empty = list(in_colour(details(arguments.seed, arguments.details)))
    print("| | faces found | mean confidence | elsewhere | in details of landscapes alone |")
    print("|:--|--:|--:|--:|--:|")
    for mode in ("RGB", "L"):
        found, elsewhere = [], 0
        for photograph, square in photographs:
            faces = detector.find(photograph.convert(mode))
            (match,) = find_squares([square], [face.box for face in faces])
            found += [face.confidence for face in faces if match and face.box == match.box]
            elsewhere += len(faces) - (match is not None)
        alone = sum(len(detector.find(detail.convert(mode))) for detail in empty)
        print(
            f"| {'colour' if mode == 'RGB' else 'gray'} | {len(found)} of {len(photographs)} | "
            f"{np.mean(found):.4f} | {elsewhere} | {alone} |",
            flush=True,
        )


def compose(count, seed):
    """Yields photographs in colour, and the square (left, top, side) of the face in each."""
    from matplotlib import cbook
    from PIL import Image

    with cbook.get_sample_data("grace_hopper.jpg") as file:
        portrait = Image.open(file).convert("RGB")
    empty = [image.resize((WIDTH, HEIGHT)) for image in landscapes()]
    generator = np.random.default_rng(seed)
    middle = (_FACE[0] + _FACE[2]) / 2, (_FACE[1] + _FACE[3]) / 2
    for number in range(count):
        photograph = empty[number % 2].copy()
        left, top, side = free_square(generator, [], _SIDES)
        turned = portrait.rotate(
            generator.uniform(-_TURNED, _TURNED), Image.Resampling.BICUBIC, center=middle
        )
        face = turned.crop(_FACE).resize((side, side), Image.Resampling.LANCZOS)
        photograph.paste(face, (left, top))
        yield photograph, (left, top, side)


def in_colour(pictures):
    """The details that are in colour: every other pair is gray from the start."""
    return (picture for picture in pictures if picture.mode == "RGB")


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
