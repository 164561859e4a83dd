"""Reads picture files of any format as upright photographs."""

import pathlib
import threading
import warnings
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from errors import UserError, first_line

_HEIC = (".heic", ".heif")
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_TURNS = {  # what brings a picture upright, by its EXIF tag
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SUFFIXES = (*_HEIC, ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
# The largest photographs of phones have 200 megapixels, 600 MB in memory. What is far larger was
# more likely made to fill the memory.
MAX_PIXELS = 300_000_000


class UnreadablePictureError(UserError):
    """A file that is not a picture, is damaged, or is too large."""


def read_picture(path: pathlib.Path | BinaryIO, upright: bool = True) -> Image.Image:
    """Reads a picture as people see it: turned upright by its EXIF tag, without transparency.

    Args:
        path: a file, or an open one, in any format that Pillow reads, or in HEIC with the extra; of
            an animation, the first frame is read.
        upright: False ignores the EXIF tag, as exported models do.

    Returns:
        A picture in mode "L" or "RGB".

    Raises:
        UnreadablePictureError: if it cannot be read.
    """
    if isinstance(path, pathlib.Path) and path.suffix.lower() in _HEIC:
        _read_heic_too(path)
    try:
        with _lenient, _opened(path) as picture:
            picture.load()
            return to_plain(_turned_upright(picture) if upright else picture)
    except UnreadablePictureError:
        raise
    except UnidentifiedImageError as error:  # which names the file again
        raise UnreadablePictureError(
            f"{_name(path)} cannot be read as a picture: its format is unknown"
        ) from error
    # Decoders raise nearly anything for damaged files: OSError, SyntaxError, struct.error, …
    except Exception as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise UnreadablePictureError(
            f"{_name(path)} cannot be read as a picture: {reason}"
        ) from error


def _opened(path):
    try:
        return Image.open(path)
    except UnidentifiedImageError:
        if not _is_heic(path):
            raise
        _read_heic_too(path)
        return Image.open(path)


def _is_heic(path):
    """Whether a file is in HEIC by its content, whatever it is called."""
    if isinstance(path, pathlib.Path):
        with path.open("rb") as file:
            return _is_heic(file)
    path.seek(0)
    start = path.read(12)
    return start[4:8] == b"ftyp" and start[8:] in _HEIC_BRANDS


def _turned_upright(picture):
    """Pillow's `exif_transpose` writes all of EXIF anew, which odd tags make impossible."""
    turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation))
    return picture if turn is None else picture.transpose(turn)


def _name(path):
    return path if isinstance(path, pathlib.Path) else "The picture"


def _read_heic_too(path):
    try:
        import pillow_heif
    except ImportError as error:
        raise UnreadablePictureError(
            f"{_name(path)} is in HEIC, which needs an extra: pip install -e '.[heic]'"
        ) from error
    pillow_heif.register_heif_opener()


def to_plain(picture: Image.Image) -> Image.Image:
    """Brings a picture of any mode to "L" or "RGB": deep gray scaled, transparency on white."""
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return _deep_gray(picture)
    if picture.has_transparency_data:
        shown = picture.convert("RGBA")
        white = Image.new("RGBA", shown.size, "white")
        return Image.alpha_composite(white, shown).convert("RGB")
    return picture.convert("L" if picture.mode in ("1", "L") else "RGB")


def to_gray(picture: Image.Image) -> np.ndarray:
    """Gray values, uint8 `(height, width)`, by ITU-R 601 as in `serve_bytes`."""
    return np.asarray(picture.convert("L"))


class _Lenient:
    """Has Pillow take large pictures, and silences its warnings, while any thread reads a picture.

    Both settings are global: a thread that set them back alone would undo another's.
    """

    def __init__(self):
        self._lock, self._readers = threading.Lock(), 0

    def __enter__(self):
        with self._lock:
            if self._readers == 0:
                self._before = Image.MAX_IMAGE_PIXELS
                Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2  # it refuses twice this number
                self._warnings = warnings.catch_warnings()
                self._warnings.__enter__()
                # Pillow warns of large pictures from 89 megapixels on, and of odd EXIF data.
                warnings.simplefilter("ignore")
            self._readers += 1

    def __exit__(self, *_):
        with self._lock:
            self._readers -= 1
            if self._readers == 0:
                self._warnings.__exit__(None, None, None)
                Image.MAX_IMAGE_PIXELS = self._before


_lenient = _Lenient()


def _deep_gray(picture):
    """Sixteen or more bits of gray to eight; Pillow's own conversion clips them at 255."""
    values = np.nan_to_num(np.asarray(picture, np.float64))
    brightest = 65535.0 if picture.mode != "F" else max(values.max(), 1.0)
    return Image.fromarray(np.clip(np.round(values * (255 / brightest)), 0, 255).astype(np.uint8))
