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
        keypoints, errors = ask(connection, files)
    answers = list(zip(arguments.pictures, keypoints, errors, strict=True))
    print_answers(arguments, names, answers)
    if arguments.draw:
        annotate(arguments, names, answers)
    for path, _, error in answers:
        if error:
            print(f"{PROGRAM}: error: {path} was refused: {error}", file=sys.stderr)
    return UserError.status if any(errors) else 0


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


def ask(connection, files):
    """Asks about all pictures, in requests of at most `MAX_BATCH`.

    Returns:
        keypoints: `(N, K, 2)`, px; NaN for a picture that the server refused.
        errors: N messages; empty where a picture has keypoints.
    """
    keypoints, errors = [], []
    for start in range(0, len(files), MAX_BATCH):
        batch = files[start : start + MAX_BATCH]
        answer = connection.predict("serve_bytes", image_bytes=batch)
        keypoints.append(answer["keypoints"])
        # Exports from before there were messages refuse a batch as a whole.
        errors += [error.decode() for error in answer.get("error", [b""] * len(batch))]
    return np.concatenate(keypoints), errors


def print_answers(arguments, names, answers):
    """Prints `(path, keypoints, error)` of each picture."""
    if arguments.json:
        rows = [
            {
                "picture": str(path),
                "keypoints": None if error else dict(zip(names, points.tolist(), strict=True)),
                "error": error or None,
            }
            for path, points, error in answers
        ]
        print(json.dumps(rows, indent=2))
        return
    for path, points, error in answers:
        if error:
            continue  # main says so on stderr
        print(f"{path}  (x, y in px of this picture)")
        for name, (x, y) in zip(names, points, strict=True):
            print(f"  {name:26}{x:9.2f}{y:9.2f}")


def annotate(arguments, names, answers):
    """Draws on copies, and says so on stderr: stdout may be read by a program."""
    answered = [(path, points) for path, points, error in answers if not error]
    paths = [path for path, _ in answered]
    places = pictures.annotated_files(paths, arguments.draw, arguments.pictures)
    for (path, points), place in zip(answered, places, strict=True):
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
