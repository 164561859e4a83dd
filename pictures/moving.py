"""What predict.py does with a video or a webcam: follows the faces, writes or shows each frame."""

import contextlib
import dataclasses
import pathlib
import time

from PIL import Image

import atomic_write
import command_line
from errors import UserError
from pictures.annotation import annotated
from pictures.detection import FaceDetector
from pictures.outputs import Outputs
from pictures.progress import progress
from pictures.records import PictureFaces
from pictures.tracking import FaceTracker
from pictures.video import Video, is_video, video_writer


def write_video(path: pathlib.Path, net, detector: FaceDetector | None, outputs: Outputs) -> int:
    """Finds the keypoints of the faces in each frame and writes them as they are found.

    Pictures are called `<path>#<frame>`, counted from 0. Ctrl-C keeps what was found until then.

    Args:
        path: the video.
        net: as for `find_keypoints`.
        detector: finds new faces.
        outputs: `annotated` is the annotated video.

    Returns:
        The exit status: 1 if no face was found in any frame, 130 after Ctrl-C.

    Raises:
        UserError: if the video cannot be read, or an output cannot be written.
    """
    if detector is None:
        raise UserError(f"{path} is a video, which is searched for faces. Add --detect.")
    if outputs.annotated and not is_video(outputs.annotated):
        raise UserError(f"The annotated video must end with .mp4. Received: {outputs.annotated}.")
    video, track = Video(path), FaceTracker(net, detector)
    records = dataclasses.replace(outputs, annotated=None)
    frames, faces, is_interrupted, start = 0, 0, False, time.monotonic()
    with contextlib.ExitStack() as stack:
        counted = stack.enter_context(progress(video.count, "frames"))
        stack.callback(video.close)
        write = draw = None
        if outputs.file or not outputs.annotated:
            write = stack.enter_context(records.opened([]))
        if outputs.annotated:
            temporary = stack.enter_context(atomic_write.replacing_file(outputs.annotated))
            draw = stack.enter_context(video_writer(temporary, video.size, video.frames_per_second))
        try:
            for frame in counted(video):
                found = track(frame)
                if write:
                    each = pathlib.Path(f"{path}#{frames:06}")
                    write(PictureFaces(each, frame.size, found))
                if draw:
                    draw(annotated(frame, found, enlarge=False))
                frames, faces = frames + 1, faces + len(found)
        except KeyboardInterrupt:
            is_interrupted = True
        if not frames:
            raise UserError(f"{path} has no frame that can be read.")
    speed = frames / (time.monotonic() - start)
    records.report(frames, faces)
    if outputs.annotated:
        counted_frames = command_line.counted(frames, "frame")
        print(f"Drew {counted_frames} into {outputs.annotated}, {speed:.1f} frames/s.")
    if is_interrupted:
        command_line.warn(f"interrupted after {command_line.counted(frames, 'frame')}")
        return 130
    return 0 if faces else 1


def show_webcam(net, detector: FaceDetector) -> int:
    """Shows the webcam's picture with the keypoints of all faces, until its window is closed.

    Args:
        net, detector: as for `write_video`.

    Raises:
        UserError: if there is no webcam, or no screen.
    """
    video, track = Video(None), FaceTracker(net, detector)
    try:
        window = _Window()
        start = time.monotonic()
        for count, frame in enumerate(video, start=1):
            speed = count / (time.monotonic() - start)
            mirrored = frame.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            if not window.show(annotated(mirrored, track(mirrored)), f"{speed:.1f} frames/s"):
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

            self._root = tkinter.Tk()
        except (ImportError, RuntimeError, tkinter.TclError) as error:
            raise UserError(f"--webcam needs a screen and Tk: {error}.") from error
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
