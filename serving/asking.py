"""Asks a server about pictures, in requests that it takes and answers in time."""

from collections.abc import Iterator, Sequence

import numpy as np

import pictures
from errors import UserError
from serving.grpc_connection import GrpcConnection
from serving.rest_connection import RestConnection
from serving.target import MAX_BATCH

# A photograph takes up to 2 s, and some as much again to be decoded. The server of compose.yaml
# ends a REST request after 10 s, whatever the client's time-out is.
PHOTOGRAPHS = 4  # a request


def ask(
    connection: RestConnection | GrpcConnection, files: np.ndarray, names: Sequence[str]
) -> Iterator[tuple[list[pictures.Face], str]]:
    """Asks about face crops, in requests of at most `MAX_BATCH`.

    Args:
        connection: to the server.
        files: the pictures' bytes, an object array `(N,)`.
        names: the served keypoints.

    Yields:
        For each picture, its face in a list, and a message, which is empty if it has keypoints; a
        refused picture has no face.

    Raises:
        UserError: if a request fails; of those before it, all has been yielded.
    """
    for answer in _answers(connection, "serve_bytes", files, MAX_BATCH):
        # Exports from before there were messages refuse a batch as a whole.
        errors = answer.get("error", [b""] * len(answer["keypoints"]))
        for points, error in zip(answer["keypoints"], errors, strict=True):
            yield [] if error else [pictures.Face(None, names, points)], error.decode()


def ask_photos(
    connection: RestConnection | GrpcConnection, files: np.ndarray, names: Sequence[str]
) -> Iterator[tuple[list[pictures.Face], str]]:
    """Asks about whole photographs; yields the faces and the message of each, as `ask`."""
    for answer in _answers(connection, "serve_photo", files, PHOTOGRAPHS):
        for row, error in enumerate(answer["error"]):
            outputs = (answer[name][row] for name in ("boxes", "keypoints", "scores"))
            rows = list(zip(*outputs, strict=True))[: int(answer["faces"][row])]
            faces = [
                pictures.Face(pictures.Box(*box.tolist()), names, points, float(score))
                for box, points, score in rows
            ]
            yield faces, error.decode()


def _answers(connection, signature, files, size):
    for start in range(0, len(files), size):
        try:
            answer = connection.predict(signature, image_bytes=files[start : start + size])
        except UserError as error:
            if not start:
                raise
            left = len(files) - start
            raise type(error)(f"{error} Not answered: {left} of {len(files)} pictures.") from error
        yield answer
