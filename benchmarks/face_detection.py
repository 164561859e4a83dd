"""How well faces are found in photographs, and how well their crops match the training faces'.

Faces of as many people as there are, pasted at known places into scikit-learn's two landscapes:
what fraction is found, how many alarms are false, and how far the crop is from the one pasted.
Needs the extra `detect`, and faces: python benchmarks/face_detection.py --data FOLDER
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import command_line

_WIDTH, _HEIGHT = 1280, 854  # px, of a photograph
_SIDES = (64, 340)  # px, of pasted faces; even by their logarithms
_FACES_EACH = 5


def main(argv=None):
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("--data", required=True, help="Kaggle's files")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    command_line.start_quietly()
    import data_pipeline
    import pictures

    data = data_pipeline.load_faces(arguments.data)
    photographs = list(compose(data, arguments.seed))
    detector = pictures.FaceDetector()
    began = time.perf_counter()
    found = [detector.find(photograph) for photograph, _ in photographs]
    seconds = (time.perf_counter() - began) / len(photographs)
    report(photographs, found, seconds)


def compose(data, seed):
    """Photographs with the squares (left, top, side) where faces are, one face a group."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_images

    landscapes = [
        Image.fromarray(image).convert("L").resize((_WIDTH, _HEIGHT))
        for image in load_sample_images().images
    ]
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(data))
    _, first = np.unique(data.groups[order], return_index=True)
    rows = generator.permutation(order[first])
    for number, start in enumerate(range(0, len(rows), _FACES_EACH)):
        photograph = landscapes[number % 2].copy()
        squares = []
        for row in rows[start : start + _FACES_EACH]:
            left, top, side = free_square(generator, squares)
            face = Image.fromarray(data.images[row, :, :, 0])
            photograph.paste(face.resize((side, side), Image.Resampling.BICUBIC), (left, top))
            squares.append((left, top, side))
        yield photograph, squares


def free_square(generator, taken):
    """A square that overlaps none of the others."""
    import numpy as np

    while True:
        side = int(np.exp(generator.uniform(*np.log(_SIDES))))
        left, top = (int(generator.integers(0, end - side)) for end in (_WIDTH, _HEIGHT))
        if all(
            left + side <= x or x + s <= left or top + side <= y or y + s <= top
            for x, y, s in taken
        ):
            return left, top, side


def report(photographs, found, seconds):
    """Prints what was found, what was not there, and how the crops differ from the squares."""
    import numpy as np

    differences, alarms = [], 0
    for (_, squares), faces in zip(photographs, found, strict=True):
        matched = set()
        for left, top, side in squares:
            for number, (box, _) in enumerate(faces):
                shift = np.array([box.left - left, box.top - top]) + (box.width - side) / 2
                if number not in matched and (np.abs(shift) < 0.25 * side).all():
                    matched.add(number)
                    differences.append([*(shift / side), box.width / side])
                    break
        alarms += len(faces) - len(matched)
    total = sum(len(squares) for _, squares in photographs)
    mean, spread = np.mean(differences, axis=0), np.std(differences, axis=0)
    print(f"{len(differences)} of {total} faces found, {alarms} false alarms in {len(found)} "
          f"photographs of {_WIDTH}×{_HEIGHT}, {seconds:.2f} s each")  # fmt: skip
    print("crop beside the square pasted, mean ± spread, as fractions of its side:")
    for name, i in (("x", 0), ("y", 1), ("side", 2)):
        print(f"  {name:4} {mean[i]:6.3f} ± {spread[i]:.3f}")


if __name__ == "__main__":
    command_line.run(main)
