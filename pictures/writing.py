"""What predict.py does with many pictures: finds, writes as it goes, shows how far it is."""

import itertools
import pathlib
from collections.abc import Sequence

import command_line
from errors import UserError
from pictures.detection import FaceDetector
from pictures.finding import find_keypoints
from pictures.moving import write_video
from pictures.outputs import Outputs
from pictures.progress import progress
from pictures.video import is_video


def write_keypoints(
    paths: Sequence[pathlib.Path], net, detector: FaceDetector | None, outputs: Outputs
) -> int:
    """Finds the keypoints of all faces in pictures and writes them as they are found.

    Ctrl-C keeps what was found until then.

    Args:
        paths, net, detector: as for `find_keypoints`; or one path, of a video.
        outputs: where they go.

    Returns:
        The exit status: 1 if a picture could not be read, or no face was found in any.

    Raises:
        UserError: if an output cannot be written.
    """
    if any(map(is_video, paths)):
        if len(paths) > 1:
            raise UserError("A video is taken alone. Name one video, or pictures.")
        return write_video(paths[0], net, detector, outputs)
    with progress(len(paths), "pictures") as counted:
        found = find_keypoints(counted(paths), net, detector)
        first = next(found, None)
        if first is None:
            command_line.warn("no picture could be read; wrote nothing")
            return 1
        done, faces, is_interrupted = 0, 0, False
        with outputs.opened(paths) as write:
            try:
                for each in itertools.chain([first], found):
                    write(each)
                    done, faces = done + 1, faces + len(each.faces)
            except KeyboardInterrupt:
                is_interrupted = True
    outputs.report(done, faces)
    if is_interrupted:
        command_line.warn(f"interrupted after {done:,} of {len(paths):,} pictures")
        return 130
    return 0 if done == len(paths) and faces else 1
