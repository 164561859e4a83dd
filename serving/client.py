"""Finds the keypoints of face pictures by asking a TensorFlow Serving server."""

import argparse
import json
import pathlib
import tempfile

import numpy as np

import command_line
from errors import UserError
from serving.connection import MAX_BATCH, Target, connect
from serving.drawing import draw_keypoints

EXAMPLES = """examples:
  python -m serving.client face.jpg
  python -m serving.client face.jpg --url grpc://localhost:8500 --label stable
  python -m serving.client *.png --draw drawn/ --json

A picture shows one face and little else, as in the training data: PNG, JPEG, BMP or GIF.
"""


def main():
    arguments = parse_arguments()
    pictures = read_pictures(arguments.pictures)
    if arguments.draw:
        make_folder(arguments.draw)
    with connect(target_of(arguments)) as connection:
        names = connection.names()
        keypoints = ask(connection, arguments.pictures, pictures)
    print_keypoints(arguments, names, keypoints)
    if arguments.draw:
        draw_all(arguments, pictures, keypoints)


def parse_arguments(argv=None):
    parser = argparse.ArgumentParser(
        prog="python -m serving.client",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pictures", nargs="+", type=pathlib.Path, metavar="PICTURE")
    add_target_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--draw", type=pathlib.Path, metavar="FOLDER", help="write the pictures with their points"
    )
    return parser.parse_args(argv)


def add_target_arguments(parser):
    """Adds the arguments that say which model to ask, and how long to wait."""
    parser.add_argument(
        "--url",
        default="http://localhost:8501",
        help="http://HOST:8501 for REST, grpc://HOST:8500 for gRPC (default: %(default)s)",
    )
    parser.add_argument("--model", default="facial_keypoints", help="(default: %(default)s)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--version", type=int, help="version number (default: the newest)")
    which.add_argument("--label", help="version label, such as stable")
    parser.add_argument("--timeout", type=_seconds, default=10.0, help="s (default: %(default)g)")


def target_of(arguments):
    """The `Target` that `add_target_arguments`' arguments name."""
    return Target(
        arguments.url, arguments.model, arguments.version, arguments.label, arguments.timeout
    )


def read_pictures(paths):
    """The files' bytes, as an object array `(N,)`."""
    pictures = np.empty(len(paths), object)
    for index, path in enumerate(paths):
        try:
            pictures[index] = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    return pictures


def make_folder(folder):
    """Makes the folder for drawn pictures, before anything is asked that could not be drawn."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(
            f"--draw must be a folder, or a path for a new one, where you may create files. "
            f"Received {folder}: {error.strerror}."
        ) from error


def ask(connection, paths, pictures):
    """The keypoints `(N, K, 2)` of all pictures, in requests of at most `MAX_BATCH`."""
    answers = []
    for start in range(0, len(pictures), MAX_BATCH):
        batch = pictures[start : start + MAX_BATCH]
        try:
            answers.append(connection.predict("serve_bytes", image_bytes=batch)["keypoints"])
        except UserError as error:
            if len(pictures) <= MAX_BATCH:
                raise
            raise UserError(f"{error} (Picture 0 of this batch is {paths[start]}.)") from error
    return np.concatenate(answers)


def print_keypoints(arguments, names, keypoints):
    if arguments.json:
        rows = [
            {"picture": str(path), "keypoints": dict(zip(names, points.tolist(), strict=True))}
            for path, points in zip(arguments.pictures, keypoints, strict=True)
        ]
        print(json.dumps(rows, indent=2))
        return
    for path, points in zip(arguments.pictures, keypoints, strict=True):
        print(f"{path}  (x, y in px of this picture)")
        for name, (x, y) in zip(names, points, strict=True):
            print(f"  {name:26}{x:9.2f}{y:9.2f}")


def draw_all(arguments, pictures, keypoints):
    """Draws each picture; those of the same name get numbers."""
    used = set()
    for path, picture, points in zip(arguments.pictures, pictures, keypoints, strict=True):
        stem, number = path.stem, 1
        while (name := stem if number == 1 else f"{stem}-{number}") in used:
            number += 1
        used.add(name)
        drawn = arguments.draw / f"{name}_keypoints.png"
        try:
            draw_keypoints(picture, points, drawn)
        except OSError as error:
            raise UserError(f"{drawn} cannot be drawn: {error.strerror or error}.") from error
        print(f"Drew {drawn}")


def _seconds(text):
    seconds = float(text)
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"must be positive. Received: {text}")
    return seconds


if __name__ == "__main__":
    command_line.run(main)
