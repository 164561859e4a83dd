"""A photograph with its faces as HTML: boxes and points over it, each point's name on hover."""

import base64
import html
import io
from collections.abc import Sequence

from PIL import Image

import command_line
import pictures

_MAX_SIDE = 1600  # px of the photograph that the page shows; coordinates stay those of the whole
_LEGEND = "Orange: the person’s left. Blue: the person’s right. White: the middle."


def photograph_html(picture: Image.Image, faces: Sequence[pictures.Face]) -> str:
    """Returns a photograph with its faces.

    Places are percentages of the photograph, so they hold at any size of the page.

    Args:
        picture: upright, mode "L" or "RGB".
        faces: with keypoints in px of the photograph.
    """
    width, height = picture.size
    whole = pictures.Box(0, 0, width, height)
    marks = [_box(face.box, picture.size) for face in faces if face.box != whole]
    for face in faces:
        marks += _points(face, picture.size)
    caption = f"{command_line.counted(len(faces), 'face')}. {_LEGEND}"
    if not faces:
        caption = "No face was found. If one face fills the picture, do not look for faces."
    return (
        f'<figure class="photograph" style="--shape: {width / height:.4f}">'
        f'<div><img src="{_data_address(picture)}" alt="The photograph">{"".join(marks)}</div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def message_html(message: str) -> str:
    """Returns a message to the person, which may have any characters."""
    return f'<p class="message" role="alert">{html.escape(message)}</p>'


def _box(box, size):
    edges = {"left": box.left, "top": box.top, "width": box.width, "height": box.height}
    style = ";".join(
        f"{edge}:{100 * value / size[edge in ('top', 'height')]:.3f}%"
        for edge, value in edges.items()
    )
    return f'<span class="face" style="{style}"></span>'


def _points(face, size):
    # As on annotated copies: it follows the face, and page.css has the least size.
    diameter = 100 * 2 * face.box.width / 90 / size[0]
    for name, (x, y) in face.keypoints.items():
        # (0, 0) is the centre of the top left pixel, half a pixel inside the corner.
        left, top = 100 * (x + 0.5) / size[0], 100 * (y + 0.5) / size[1]
        red, green, blue = pictures.keypoint_color(name)
        side = "from-left" if left < 25 else "from-right" if left > 75 else ""
        below = "below" if top < 15 else ""
        yield (
            f'<span class="{" ".join(filter(None, ("point", side, below)))}" role="img" '
            f'tabindex="-1" aria-label="{html.escape(name.replace("_", " "))}" '
            f'style="left:{left:.3f}%;top:{top:.3f}%;--diameter:{diameter:.3f}%;'
            f'--color:rgb({red},{green},{blue})"></span>'
        )


def _data_address(picture):
    shown = picture.copy()
    shown.thumbnail((_MAX_SIDE, _MAX_SIDE), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    shown.save(file, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
