"""Finds the keypoints of face pictures by asking a TensorFlow Serving server."""

import argparse
import json
import pathlib
import sys

import numpy as np

import command_line
import pictures
from errors import UserError
from serving.connection import connect
from serving.target import MAX_BATCH, Target

PROGRAM = "python -m serving.client"
EXAMPLES = """examples:
  python -m serving.client face.jpg
  python -m serving.client face.jpg --url grpc://localhost:8500 --label stable
  python -m serving.client *.png --draw annotated/ --json

A picture shows one face and little else, as in the training data: PNG, JPEG, BMP or GIF.
"""


def main(argv=None):
    arguments = parse_arguments(argv)
    files = read_files(arguments.pictures)
    outputs = pictures.Outputs(annotated=arguments.draw)
    outputs.require_writable()
    prepare(arguments)
    with connect(target_of(arguments)) as connection:
        names = connection.names()
        keypoints = ask(connection, arguments.pictures, files)
    print_keypoints(arguments, names, keypoints)
    if arguments.draw:
        annotate(arguments, names, keypoints)


def parse_arguments(argv=None):
    parser = command_line.Parser(
        prog=PROGRAM,
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pictures", nargs="+", type=pathlib.Path, metavar="PICTURE")
    add_target_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--draw",
        type=pathlib.Path,
        metavar="FOLDER",
        help="draw the keypoints on copies: <picture>_keypoints.png",
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


def prepare(arguments):
    """Imports TensorFlow quietly for gRPC, whose messages need it; REST does not."""
    if arguments.url.startswith("grpc"):
        command_line.import_tensorflow_quietly()


def read_files(paths):
    """The files' bytes, as an object array `(N,)`."""
    files = np.empty(len(paths), object)
    for index, path in enumerate(paths):
        try:
            files[index] = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    return files


def ask(connection, paths, files):
    """The keypoints `(N, K, 2)` of all pictures, in requests of at most `MAX_BATCH`."""
    answers = []
    for start in range(0, len(files), MAX_BATCH):
        batch = files[start : start + MAX_BATCH]
        try:
            answers.append(connection.predict("serve_bytes", image_bytes=batch)["keypoints"])
        except UserError as error:
            if len(files) <= MAX_BATCH:
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


def annotate(arguments, names, keypoints):
    """Draws on copies, and says so on stderr: stdout may be read by a program."""
    places = pictures.annotated_files(arguments.pictures, arguments.draw, arguments.pictures)
    for path, points, place in zip(arguments.pictures, keypoints, places, strict=True):
        picture = pictures.read_picture(path, upright=False)  # as the server reads it
        face = pictures.Face(pictures.Box(0, 0, *picture.size), names, points)
        pictures.write_annotated(place, picture, [face])
        print(f"Drew {place}", file=sys.stderr)


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"must be a positive number of seconds. Received: {text}")
    return seconds


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
