"""Where annotated pictures go: beside the pictures, if a person wants it, never in their place."""

import os
import pathlib
from collections.abc import Iterable, Sequence

_LOSSY = (".heic", ".heif", ".jpeg", ".jpg")


def annotated_files(
    pictures: Iterable[pathlib.Path], folder: pathlib.Path, inputs: Sequence[pathlib.Path]
) -> list[pathlib.Path]:
    """A file for each annotated picture: `<stem>_keypoints.png`, numbered where that is taken.

    Cameras' pictures become `.jpg`, whose compression takes a tenth of the time.

    Args:
        pictures: what is annotated.
        folder: for the annotated pictures.
        inputs: files that none of them may replace, whatever path they are named by.

    Returns:
        Different paths in `folder`.
    """
    taken = {_identity(path) for path in inputs}
    used, files = set(), []
    for picture in pictures:
        stem, number = picture.stem, 1
        ending = ".jpg" if picture.suffix.lower() in _LOSSY else ".png"
        while True:
            name = f"{stem if number == 1 else f'{stem}-{number}'}_keypoints{ending}"
            # Some file systems take A.png and a.png for one.
            if name.casefold() not in used and _identity(folder / name) not in taken:
                break
            number += 1
        used.add(name.casefold())
        files.append(folder / name)
    return files


def _identity(path):
    """What two paths to one file share; the path itself where there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return path
    return status.st_dev, status.st_ino
