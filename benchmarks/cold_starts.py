"""Measures how long commands take to start: from the shell until help, an answer or a first step.

    python -m benchmarks.cold_starts
    python -m benchmarks.cold_starts --data ~/data/facial-keypoints --rounds 5

Each is a process of its own. Without `--data`, a training.zip of 7,049 drawn faces, as many as
Kaggle's has, stands in for the download; with it, a copy of that file is read. “Without a cache”
means that the parsed faces are not yet kept beside the file; Linux has read it before in any case.
"""

import dataclasses
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile

import numpy as np

import command_line
import keypoint_schema
import tensorflow_start
from benchmarks import machine
from benchmarks.turns import orders

PROGRAM = "python -m benchmarks.cold_starts"
ROOT = pathlib.Path(__file__).parents[1]
KAGGLE_ROWS = 7049
IMPORTS = "import tensorflow_start; tensorflow_start.start_quietly()"
# Ends the process as soon as Keras tells its callbacks that the first step is done.
FIRST_STEP = f"""
import os, sys
{IMPORTS}
import keras
import train
keras.callbacks.CallbackList.on_train_batch_end = lambda *_, **__: os._exit(0)
train.main(sys.argv[1:])
"""
READING = f"{IMPORTS}; import sys, data_pipeline; data_pipeline.load_faces(sys.argv[1])"


@dataclasses.dataclass(frozen=True)
class Start:
    """A command to time.

    Attributes:
        command: what Python runs.
        cached: whether the parsed faces are kept from before; None if it does not read any.
        status: its exit status.
    """

    command: list
    cached: bool | None = None
    status: int = 0


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    command_line.add_data_argument(parser)
    parser.add_argument("--net", default="heatmap_s", help="of the zoo (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=command_line.at_least(1), default=3, help="(default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import models
    from data_pipeline import kaggle_files

    models.find(arguments.net)  # reports mistakes before any work
    print(f"{machine.describe()}.\n")
    with tempfile.TemporaryDirectory(prefix="cold-starts-") as folder:
        folder = pathlib.Path(folder)
        if arguments.data:
            shutil.copy(kaggle_files.find_table(arguments.data, "training").path, folder)
        else:
            write_training_zip(folder / "training.zip")
        face = folder / "face.png"
        write_face(face)
        print_table(starts(arguments.net, folder, face), folder, arguments.rounds)


def starts(net, data, face) -> dict[str, Start]:
    """Returns what is timed, by its name in the table."""
    train = ["-c", FIRST_STEP, "--model", net, "--data", data, "--runs", data / "runs"]
    train += ["--overwrite"]
    return {
        "`train.py --help`": Start(["train.py", "--help"]),
        "`train.py --model net8`, a mistake": Start(["train.py", "--model", "net8"], status=2),
        "importing TensorFlow and Keras": Start(["-c", IMPORTS]),
        f"`predict.py --preset {net} face.png`": Start(["predict.py", "--preset", net, face]),
        "reading the faces, without a cache": Start(["-c", READING, data], cached=False),
        "reading the faces": Start(["-c", READING, data], cached=True),
        f"{net}'s first training step, without a cache": Start(train, cached=False),
        f"{net}'s first training step": Start(train, cached=True),
    }


def print_table(each: dict[str, Start], folder, rounds):
    """Prints the median of the rounds for each start: wall time, and processor time."""
    measured = {name: [] for name in each}
    for order in orders(each, rounds):
        for name in order:
            measured[name].append(timed(each[name], folder))
    print("| from the shell to | s | processor s |\n|:--|--:|--:|")
    for name, seconds in measured.items():
        wall, processor = np.median(seconds, axis=0)
        print(f"| {name} | {wall:.2f} | {processor:.2f} |")


def timed(start: Start, folder):
    """Runs a command; returns its seconds of wall and of processor time."""
    cache = folder / ".facial_keypoints_cache"
    if start.cached and not cache.exists():
        run(["-c", READING, folder], 0)
    elif start.cached is False:
        shutil.rmtree(cache, ignore_errors=True)
    used, begin = processor_seconds(), time.perf_counter()
    run(start.command, start.status)
    return time.perf_counter() - begin, processor_seconds() - used


def run(command, status):
    """Runs Python in the project's folder and requires its exit status."""
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode != status:
        raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stderr}")


def processor_seconds():
    """Returns what this process's children have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_training_zip(path):
    """Writes a `training.zip` in Kaggle's form, of the drawn faces again and again."""
    import data_pipeline

    faces = data_pipeline.load_faces()
    texts = [" ".join(map(str, image.ravel())) for image in faces.images]
    lines = [",".join([*keypoint_schema.column_names(), "Image"])]
    for row in range(KAGGLE_ROWS):
        points = faces.keypoints[row % len(faces)].ravel()
        numbers = ["" if np.isnan(value) else f"{value:.6f}" for value in points]
        lines.append(",".join([*numbers, texts[row % len(faces)]]))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("training.csv", "\n".join(lines) + "\n")


def write_face(path):
    """Writes a drawn face as a picture."""
    from PIL import Image

    from data_pipeline import synthetic_faces

    images, _ = synthetic_faces.draw_faces(1, 0)
    Image.fromarray(images[0, :, :, 0]).save(path)


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
