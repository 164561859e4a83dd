"""Finds the keypoints of face pictures by asking a TensorFlow Serving server."""

import argparse
import dataclasses
import json
import sys

import numpy as np

import command_line
import pictures
from errors import UserError
from pictures.records import writable
from serving.connection import connect
from serving.target import MAX_BATCH, Target

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
    with connect(target_of(arguments)) as connection:
        names = connection.names()
        found = (ask_photos if arguments.photo else ask)(connection, files, names)
    answers = [(path, *each) for path, each in zip(arguments.pictures, found, strict=True)]
    print_answers(arguments, answers)
    if arguments.draw:
        annotate(arguments, answers)
    for path, _, error in answers:
        if error:
            print(f"{PROGRAM}: error: {path} was refused: {error}", file=sys.stderr)
    return UserError.status if any(error for *_, error in answers) else 0


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


def ask(connection, files, names):
    """Asks about face crops, in requests of at most `MAX_BATCH`.

    Returns:
        For each picture, its face in a list, and a message, which is empty if it has keypoints; a
        refused picture has no face.
    """
    found = []
    for answer in _answers(connection, "serve_bytes", files):
        # Exports from before there were messages refuse a batch as a whole.
        errors = answer.get("error", [b""] * len(answer["keypoints"]))
        for points, error in zip(answer["keypoints"], errors, strict=True):
            face = pictures.Face(None, names, points)
            found.append(([] if error else [face], error.decode()))
    return found


def ask_photos(connection, files, names):
    """Asks about whole photographs; returns the faces and the message of each, as `ask`."""
    found = []
    for answer in _answers(connection, "serve_photo", files):
        for row, error in enumerate(answer["error"]):
            outputs = (answer[name][row] for name in ("boxes", "keypoints", "scores"))
            rows = list(zip(*outputs, strict=True))[: int(answer["faces"][row])]
            faces = [
                pictures.Face(pictures.Box(*box.tolist()), names, points, float(score))
                for box, points, score in rows
            ]
            found.append((faces, error.decode()))
    return found


def _answers(connection, signature, files):
    for start in range(0, len(files), MAX_BATCH):
        yield connection.predict(signature, image_bytes=files[start : start + MAX_BATCH])


def print_answers(arguments, answers):
    """Prints `(path, faces, error)` of each picture."""
    answers = [(writable(str(path)), *answer) for path, *answer in answers]
    if arguments.json:
        row = _photo_row if arguments.photo else _row
        print(json.dumps([row(*answer) for answer in answers], indent=2))
        return
    for picture, faces, error in answers:
        if not faces and not error:
            print(f"{picture}  (no face found)")
        for number, face in enumerate(faces):  # main tells errors on stderr
            which = f"  face {number}, score {face.confidence:.3f}" if arguments.photo else ""
            print(f"{picture}{which}  (x, y in px of this picture)")
            for name, (x, y) in face.keypoints.items():
                print(f"  {name:26}{x:9.2f}{y:9.2f}")


def _row(picture, faces, error):
    keypoints = _keypoints(faces[0]) if faces else None
    return {"picture": picture, "keypoints": keypoints, "error": error or None}


def _photo_row(picture, faces, error):
    rows = [
        {
            "box": dataclasses.asdict(face.box),
            "score": face.confidence,
            "keypoints": _keypoints(face),
        }
        for face in faces
    ]
    return {"picture": picture, "faces": None if error else rows, "error": error or None}


def _keypoints(face):
    return {name: list(point) for name, point in face.keypoints.items()}


def annotate(arguments, answers):
    """Draws on copies, and says so on stderr: stdout may be read by a program."""
    answered = [(path, faces) for path, faces, error in answers if not error]
    paths = [path for path, _ in answered]
    places = pictures.annotated_files(paths, arguments.draw, arguments.pictures)
    for (path, faces), place in zip(answered, places, strict=True):
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
