"""From a picture file to what the page shows of it."""

import json
import pathlib
from typing import NamedTuple

import pictures
from demo.overlay import photograph_html
from demo.rules import require_allowed
from errors import UserError


class Answer(NamedTuple):
    """The photograph with its faces as HTML, and as `predict.py --out found.json` writes them."""

    html: str
    json: str


def answer(
    file: pathlib.Path, name: str, net, detector: pictures.FaceDetector | None = None
) -> Answer:
    """Finds the faces of a picture file.

    Args:
        file: where it lies.
        name: what its owner calls it.
        net: as for `pictures.find_faces`.
        detector: finds the faces; None if the picture is a crop of one face.

    Raises:
        UserError: if `serve_bytes` would refuse the file, it is no longer there, or the net's
            server does not answer.
    """
    try:
        contents = file.read_bytes()
    except FileNotFoundError as error:  # the page deletes old ones
        raise UserError("The photograph has been deleted from here; send it again.") from error
    require_allowed(contents)
    try:
        picture = pictures.read_picture(file)
    except pictures.UnreadablePictureError as error:
        raise pictures.UnreadablePictureError(str(error).replace(str(file), name)) from error
    faces = pictures.find_faces(picture, net, detector)
    found = pictures.PictureFaces(pathlib.Path(name), picture.size, faces)
    record = json.dumps([pictures.json_record(found)], indent=2)
    return Answer(photograph_html(picture, faces), record)
