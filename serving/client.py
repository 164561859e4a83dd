"""Finds the keypoints of face pictures by asking a TensorFlow Serving server."""

import argparse
import dataclasses
import sys

import numpy as np

import command_line
import pictures
import tensorflow_start
from errors import UserError
from serving.asking import ask, ask_photos
from serving.connection import connect
from serving.printing import printing
from serving.target import Target

PROGRAM = "python -m serving.client"
_DAY = 86_400  # s
EXAMPLES = """examples:
  python -m serving.client face.jpg
  python -m serving.client face.jpg --url grpc://localhost:8500 --label stable
  python -m serving.client *.png --draw annotated/ --json
  python -m serving.client party.jpg --photo          a whole photograph (export.py --photo)

Without --photo, a picture shows one face and little else, as in the training data: PNG, JPEG, BMP
or GIF.
"""


def main(argv=None):
    arguments = parse_arguments(argv)
    files = read_files(arguments.pictures)
    outputs = pictures.Outputs(annotated=arguments.draw)
    outputs.require_writable()
    prepare(arguments)
    places = [None] * len(files)
    if arguments.draw:
        places = pictures.annotated_files(arguments.pictures, arguments.draw, arguments.pictures)
    status = 0
    with (
        connect(target_of(arguments)) as connection,
        printing(arguments.json, arguments.photo) as show,
    ):
        found = (ask_photos if arguments.photo else ask)(connection, files, connection.names())
        for path, place, (faces, error) in zip(arguments.pictures, places, found, strict=True):
            show(path, faces, error)
            if error:
                print(f"{PROGRAM}: error: {path} was refused: {error}", file=sys.stderr)
                status = UserError.status
            elif arguments.draw:
                annotate(path, faces, place)
    return status


def parse_arguments(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__, epilog=EXAMPLES)
    parser.add_argument("pictures", nargs="+", type=command_line.path, metavar="PICTURE")
    add_target_arguments(parser)
    parser.add_argument(
        "--photo", action="store_true", help="pictures are whole photographs: ask serve_photo"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--draw",
        type=command_line.path,
        metavar="FOLDER",
        help="draw the keypoints on copies: <picture>_keypoints.png, or .jpg of a JPEG",
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
    which.add_argument(
        "--version",
        type=command_line.at_least(0, command_line.MAX_VERSION),
        metavar="N",
        help="version number (default: the newest)",
    )
    which.add_argument("--label", help="version label, such as stable")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=10.0,
        help="s for a request; REST has the server's own limit, too (default: %(default)g)",
    )


def target_of(arguments):
    """The `Target` that `add_target_arguments`' arguments name."""
    return Target(
        arguments.url, arguments.model, arguments.version, arguments.label, arguments.timeout
    )


def prepare(arguments):
    """Imports TensorFlow quietly for gRPC, whose messages need it; REST does not."""
    if arguments.url.startswith("grpc"):
        tensorflow_start.import_tensorflow_quietly()


def read_files(paths):
    """The files' bytes, as an object array `(N,)`."""
    files = np.empty(len(paths), object)
    for index, path in enumerate(paths):
        try:
            files[index] = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    return files


def annotate(path, faces, place):
    """Draws on a copy, and says so on stderr: stdout may be read by a program."""
    picture = pictures.read_picture(path, upright=False)  # as the server reads it
    whole = pictures.Box(0, 0, *picture.size)
    faces = [dataclasses.replace(face, box=face.box or whole) for face in faces]
    pictures.write_annotated(place, picture, faces)
    print(f"Drew {place}", file=sys.stderr)


def _seconds(text):
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds <= _DAY:  # sockets and gRPC count no further than some years
        raise argparse.ArgumentTypeError(
            f"must be a positive number of seconds, at most {_DAY:,}. Received: {text}"
        )
    return seconds


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
