"""Where annotated pictures go: beside the pictures, if a person wants it, never in their place."""

import os
import pathlib
from collections.abc import Iterable, Sequence

_LOSSY = (".heic", ".heif", ".jpeg", ".jpg")
_LONGEST_STEM = 200  # bytes; file systems allow 255 for a name, of which endings need some


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
    taken = {file_identity(path) for path in inputs}
    used, numbers, files = set(), {}, []
    for picture in pictures:
        stem = _shortened(picture.stem)
        ending = ".jpg" if picture.suffix.lower() in _LOSSY else ".png"
        # Some file systems take A.png and a.png for one.
        kind = (stem.casefold(), ending)
        while True:
            number = numbers[kind] = numbers.get(kind, 0) + 1
            name = f"{stem if number == 1 else f'{stem}-{number}'}_keypoints{ending}"
            if name.casefold() not in used and file_identity(folder / name) not in taken:
                break
        used.add(name.casefold())
        files.append(folder / name)
    return files


def _shortened(stem):
    while len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = stem[:-1]
    return stem


def file_identity(path: pathlib.Path):
    """Returns what two paths to one file share; the path itself where there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return path
    return status.st_dev, status.st_ino
