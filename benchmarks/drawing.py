"""What `--draw` costs for each photograph, beside reading it and finding its faces.

    python -m benchmarks.drawing preset:heatmap_m

The photographs are landscapes in colour with five of the built-in drawn faces (or of `--data`), and
with some noise, as cameras have, or they would be compressed too easily. Printed are medians of CPU
ms: finding is what `predict.py --detect` does without `--draw`, and drawing what `--draw` adds: to
read the photograph once more, mark the keypoints, and write the copy. Needs the extra `detect`.
"""

import pathlib
import tempfile
import time

import numpy as np

import command_line
import tensorflow_start
from benchmarks.pasted_faces import HEIGHT, WIDTH, free_square, landscapes

PROGRAM = "python -m benchmarks.drawing"
_SIZES = (WIDTH, HEIGHT), (4000, 3000)  # px
_FACES = 5
_NOISE = 4  # gray values, standard deviation


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("net", metavar="NET", help="a run folder or preset:NAME")
    command_line.add_data_argument(parser)
    parser.add_argument("--rounds", type=command_line.at_least(1), default=7)
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import data_pipeline
    import pictures
    from trained_nets.loading import load_net

    faces = np.asarray(data_pipeline.load_faces(arguments.data).images[:_FACES])
    net, detector = load_net(arguments.net), pictures.FaceDetector()
    print("| photograph | finding | drawing | reading it again | marking | writing | written |")
    print("|:--|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="drawing-") as folder:
        for size in _SIZES:
            for ending in (".png", ".jpg"):
                file = pathlib.Path(folder) / f"photograph{ending}"
                compose(faces, size).save(file, quality=92)  # which PNG has not
                drawn = file.with_name(f"drawn{ending}")
                steps = measure(file, drawn, net, detector, arguments.rounds)
                finding, *parts = (f"{1000 * seconds:.0f}" for seconds in steps)
                print(
                    f"| {ending[1:].upper()}, {size[0]}×{size[1]} px | {finding} | "
                    f"{1000 * sum(steps[1:]):.0f} | {' | '.join(parts)} | "
                    f"{drawn.stat().st_size / 1e6:.1f} MB |",
                    flush=True,
                )


def compose(faces, size):
    """A landscape of this size with faces in it."""
    from PIL import Image

    photograph, generator, squares = (
        landscapes()[0].resize((WIDTH, HEIGHT)),
        np.random.default_rng(1),
        [],
    )
    for face in faces:
        left, top, side = free_square(generator, squares)
        image = Image.fromarray(face[:, :, 0]).resize((side, side), Image.Resampling.BICUBIC)
        photograph.paste(image, (left, top))
        squares.append((left, top, side))
    values = np.asarray(photograph.resize(size, Image.Resampling.BICUBIC), np.float32)
    noise = _NOISE * generator.standard_normal(values.shape, np.float32)
    return Image.fromarray(np.clip(np.round(values + noise), 0, 255).astype(np.uint8))


def measure(file, drawn, net, detector, rounds):
    """Medians of the CPU s of finding, and of the steps of drawing: reading, marking, writing."""
    from pictures.annotation import annotated, write_annotated
    from pictures.finding import find_keypoints
    from pictures.reading import read_picture

    seconds = []
    for _ in range(rounds + 1):
        clock = [time.process_time()]
        (found,) = find_keypoints([file], net, detector)
        clock.append(time.process_time())
        photograph = read_picture(file)
        clock.append(time.process_time())
        annotated(photograph, found.faces)
        clock.append(time.process_time())
        write_annotated(drawn, photograph, found.faces)  # which marks them again
        clock.append(time.process_time())
        find, read, mark, write = np.diff(clock)
        seconds.append((find, read, mark, write - mark))
    return np.median(seconds[1:], axis=0)  # the first one sets up the graphs


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
