"""Reads frames from a video or a webcam, and writes annotated frames as a video."""

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

import atomic_write
import command_line
from errors import UserError

SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".webm")


class Video:
    """Frames, one after another.

    Attributes:
        path: the file; None for a webcam.
        size: width and height of a frame, px.
        frames_per_second: as recorded.
        count: the number of frames, as recorded or guessed; 0 if not known.
    """

    def __init__(self, path: pathlib.Path | None):
        """Opens a file, or a webcam.

        Args:
            path: the file; None for the webcam.

        Raises:
            UserError: if it cannot be opened, or the extra is missing.
        """
        self.path, self._cv2 = path, _opencv()
        self._capture = self._cv2.VideoCapture(0 if path is None else _ffmpeg_name(path))
        if not self._capture.isOpened():
            what = "The webcam" if path is None else path
            raise UserError(f"{what} cannot be opened as a video.")
        read = self._capture.get
        self.size = tuple(
            int(read(each))
            for each in (self._cv2.CAP_PROP_FRAME_WIDTH, self._cv2.CAP_PROP_FRAME_HEIGHT)
        )
        self.frames_per_second = read(self._cv2.CAP_PROP_FPS) or 25.0
        self.count = max(0, int(read(self._cv2.CAP_PROP_FRAME_COUNT)))

    def __iter__(self) -> Iterator[Image.Image]:
        while True:
            is_read, frame = self._capture.read()
            if not is_read:
                return
            yield Image.fromarray(frame[..., ::-1])

    def close(self):
        """Lets go of the file or the webcam."""
        self._capture.release()


def is_video(path: str | os.PathLike) -> bool:
    """Returns whether a file is a video, by its name."""
    return pathlib.Path(path).suffix.lower() in SUFFIXES


@contextlib.contextmanager
def video_writer(
    path: pathlib.Path, size: tuple[int, int], frames_per_second: float
) -> Iterator[Callable[[Image.Image], None]]:
    """Yields a function that appends a frame to an MP4 file, which appears once the block ends.

    Args:
        path: where it goes.
        size: of a frame, px.
        frames_per_second: how fast they are shown; rounded if it is above 65.

    Raises:
        UserError: if OpenCV cannot write it.
    """
    cv2 = _opencv()
    with atomic_write.replacing_file(path) as temporary:
        codec = cv2.VideoWriter_fourcc(*"mp4v")
        rate = _mpeg_4_rate(frames_per_second)
        writer = cv2.VideoWriter(_ffmpeg_name(temporary), codec, rate, size)
        if not writer.isOpened():
            raise UserError(f"{path} cannot be written as a video.")
        written = 0

        def write(picture):
            nonlocal written
            writer.write(np.ascontiguousarray(np.asarray(picture)[..., ::-1]))
            written += 1

        try:
            yield write
        finally:
            writer.release()
        # OpenCV says nothing of a full disk.
        capture = cv2.VideoCapture(_ffmpeg_name(temporary))
        found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        if found - written not in (0, 1):  # one more if Ctrl-C came between a frame and its count
            raise UserError(f"{path} cannot be written: {found} of {written} frames were kept.")


def _mpeg_4_rate(frames_per_second):
    """Rounds a rate, such as a variable one's average, to what MPEG-4 can hold.

    OpenCV writes it as a fraction, and 118.733 as 118733/1000; MPEG-4 goes up to 65535.
    """
    decimals = 3 if frames_per_second < 65 else 2 if frames_per_second < 655 else 0
    return round(frames_per_second, decimals)


def _ffmpeg_name(path):
    """A path as FFmpeg takes it: it would read `12:30.mp4` as a protocol, and needs UTF-8."""
    name = str(path.absolute())
    if not command_line.is_utf_8(name):
        raise UserError(f"{command_line.writable(name)}: a video's path must be UTF-8. Rename it.")
    return name


def _opencv():
    # Our own messages are clearer than OpenCV's and FFmpeg's.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    try:
        import cv2
    except ImportError as error:
        raise UserError(
            "Videos and webcams need OpenCV, which is an extra: pip install -e '.[video]'"
        ) from error
    # Not by OPENCV_LOG_LEVEL, which comes too late if mtcnn has imported OpenCV. OpenCV 5 moved it.
    logging = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging
    logging.setLogLevel(0)  # silent
    return cv2
