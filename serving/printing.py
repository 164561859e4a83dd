"""Prints each picture's answer as it comes: as a table, or as JSON."""

import contextlib
import dataclasses
import json
import textwrap
from collections.abc import Callable, Iterator

import command_line


@contextlib.contextmanager
def printing(as_json: bool, photos: bool) -> Iterator[Callable]:
    """Yields a function that prints a picture's path, its faces and the server's message.

    JSON is one list, which is whole however the block ends; without answers, nothing is printed.

    Args:
        as_json: whether to print JSON.
        photos: whether pictures have several faces, with a box and a score.
    """
    if not as_json:
        yield _print_photo if photos else _print_face
        return
    record, before = _photo_record if photos else _face_record, "[\n"

    def print_record(path, faces, error):
        nonlocal before
        content = {
            "picture": command_line.writable(str(path)),
            **record(faces, error),
            "error": error or None,
        }
        print(before + textwrap.indent(json.dumps(content, indent=2), "  "), end="")
        before = ",\n"

    try:
        yield print_record
    finally:
        if before == ",\n":
            print("\n]")


def _print_face(path, faces, error):
    for face in faces:
        _print_keypoints(command_line.writable(str(path)), face)


def _print_photo(path, faces, error):
    picture = command_line.writable(str(path))
    if not faces and not error:
        print(f"{picture}  (no face found)")
    for number, face in enumerate(faces):
        _print_keypoints(f"{picture}  face {number}, score {face.confidence:.3f}", face)


def _print_keypoints(which, face):
    print(f"{which}  (x, y in px of this picture)")
    for name, (x, y) in face.keypoints.items():
        print(f"  {name:26}{x:9.2f}{y:9.2f}")


def _face_record(faces, error):
    return {"keypoints": _keypoints(faces[0]) if faces else None}


def _photo_record(faces, error):
    rows = [
        {
            "box": dataclasses.asdict(face.box),
            "score": face.confidence,
            "keypoints": _keypoints(face),
        }
        for face in faces
    ]
    return {"faces": None if error else rows}


def _keypoints(face):
    return {name: list(point) for name, point in face.keypoints.items()}
