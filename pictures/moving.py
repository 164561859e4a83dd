"""What predict.py does with a video or a webcam: follows the faces, writes or shows each frame."""

import contextlib
import dataclasses
import pathlib
import time

from PIL import Image

import command_line
from errors import UserError
from pictures.annotation import annotated
from pictures.finder import Finder
from pictures.outputs import Outputs
from pictures.progress import progress
from pictures.records import PictureFaces, Tally
from pictures.tracking import FaceTracker
from pictures.video import Video, video_writer


def write_video(path: pathlib.Path, finder: Finder, outputs: Outputs) -> int:
    """Finds the keypoints of the faces in each frame and writes them as they are found.

    Pictures are called `<path>#<frame>`, counted from 0. Ctrl-C keeps what was found until then.

    Args:
        path: the video.
        finder: with a detector, for new faces.
        outputs: `annotated` is the annotated video, an MP4 file.

    Returns:
        The exit status: 1 if no face was found in any frame, or the video is cut off; 130 after
        Ctrl-C.

    Raises:
        UserError: if the video cannot be read, or an output cannot be written.
    """
    if finder.detector is None:
        raise UserError(f"{path} is a video, which is searched for faces. Add --detect.")
    if outputs.is_sharded:
        raise UserError(f"A video's faces go into .json or .csv. Received: {outputs.file}.")
    video, track = Video(path), FaceTracker(finder.net, finder.detector)
    records = dataclasses.replace(outputs, annotated=None)
    tally, is_interrupted, start = Tally(), False, time.monotonic()
    with contextlib.ExitStack() as stack:
        counted = stack.enter_context(progress(video.count, "frames"))
        stack.callback(video.close)
        writer = draw = None
        if outputs.file or not outputs.annotated:
            writer = stack.enter_context(records.opened())
        if outputs.annotated:
            form = video.size, video.frames_per_second
            draw = stack.enter_context(video_writer(outputs.annotated, *form))
        try:
            for frame in counted(video):
                found = track(frame)
                name = pathlib.Path(f"{path}#{tally.pictures:06}")
                each = PictureFaces(name, frame.size, found)
                if writer:
                    writer.write(each)
                if draw:
                    draw(annotated(frame, found, enlarge=False))
                tally.add(Tally.of(each))
        except KeyboardInterrupt:
            is_interrupted = True
        if not tally.pictures:
            if is_interrupted:
                raise KeyboardInterrupt
            raise UserError(f"{path} has no frame that can be read.")
    speed = tally.pictures / (time.monotonic() - start)
    records.report(tally)
    frames = command_line.counted(tally.pictures, "frame")
    if outputs.annotated:
        print(f"Drew {frames} into {outputs.annotated}, {speed:.1f} frames/s.")
    if is_interrupted:
        command_line.warn(f"interrupted after {frames}")
        return 130
    is_cut = _is_cut(tally.pictures, video.count)
    if is_cut:
        read = f"{tally.pictures:,} of about {video.count:,} frames could be read"
        command_line.warn(f"{path} is damaged or cut off: {read}")
    return 0 if tally.faces and not is_cut else 1


def _is_cut(read, count):
    """Whether far fewer frames were read than a video says that it has, which may be a guess."""
    return count - read > 2 and read < 0.95 * count


def show_webcam(finder: Finder) -> int:
    """Shows the webcam's picture with the keypoints of all faces, until its window is closed.

    Args:
        finder: as for `write_video`.

    Raises:
        UserError: if there is no webcam, or no screen.
    """
    video, track = Video(None), FaceTracker(finder.net, finder.detector)
    try:
        window = _Window()
        start = time.monotonic()
        for count, frame in enumerate(video, start=1):
            speed = count / (time.monotonic() - start)
            # Mirrored only for the eye: the net would take the person's left for right.
            shown = annotated(frame, track(frame)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            if not window.show(shown, f"{speed:.1f} frames/s"):
                break
    finally:
        video.close()
    return 0


class _Window:
    """A window with a picture in it; OpenCV's own needs another build of it than servers have."""

    def __init__(self):
        try:
            import tkinter

            from PIL import ImageTk
        except ImportError as error:  # Debian's Python comes without Tk
            raise UserError(
                f"--webcam needs Tk (on Debian, apt install python3-tk): {error}."
            ) from error
        try:
            self._root = tkinter.Tk()
        except (RuntimeError, tkinter.TclError) as error:
            raise UserError(f"--webcam needs a screen: {error}.") from error
        self._to_tk = ImageTk.PhotoImage
        self._label = tkinter.Label(self._root)
        self._label.pack()
        self._is_open = True
        self._root.protocol("WM_DELETE_WINDOW", self._close)

    def show(self, picture, title):
        """Shows a picture; returns whether the window is still open."""
        self._shown = self._to_tk(picture)  # Tk keeps no reference of its own
        self._label.configure(image=self._shown)
        self._root.title(title)
        self._root.update()
        return self._is_open

    def _close(self):
        self._is_open = False
