"""What it costs to follow faces through a video, and to detect them in every frame instead.

    python -m benchmarks.video preset:heatmap_s --data ~/data/faces

A clip of 1280×720 px is made, in which faces move over a landscape and grow and shrink. Its faces
are found and drawn as `predict.py clip.mp4 --detect --draw drawn.mp4` does it, in either way. The
NME is the mean distance of a face's keypoints from their labels, divided by the distance between
the outer corners of the eyes. The net may have seen the faces, so compare the two ways only. Needs
the extras `detect` and `video`.
"""

import math
import pathlib
import tempfile
import time

import numpy as np

import command_line
import tensorflow_start
from benchmarks.pasted_faces import find_squares, landscapes

PROGRAM = "python -m benchmarks.video"
_SIZE = 1280, 720  # px
_STEPS = "read", "find", "draw", "write"


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("net", metavar="NET", help="a run folder or preset:NAME")
    command_line.add_data_argument(parser)
    parser.add_argument("--faces", type=command_line.at_least(1), default=1, help="(default: 1)")
    parser.add_argument("--frames", type=command_line.at_least(2), default=150)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import data_pipeline
    import pictures
    from pictures.tracking import FaceTracker
    from pictures.video import Video
    from trained_nets.loading import load_net
    from trained_nets.predictions import answering

    data = data_pipeline.load_faces(arguments.data)
    net = answering(load_net(arguments.net), None, data.labellers[0])
    complete = np.flatnonzero(np.isfinite(data.keypoints).all((1, 2)))
    rows = np.random.default_rng(arguments.seed).choice(complete, arguments.faces, replace=False)
    data, detector = data.rows(rows), pictures.FaceDetector()
    ways = {
        "followed": FaceTracker(net, detector),
        "detected in every frame": lambda frame: pictures.find_faces(frame, net, detector),
    }
    print("| faces are | frames/s | reading, ms | finding | drawing | writing | missed | NME |")
    print("|:--|--:|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="video-") as folder:
        clip = pathlib.Path(folder) / "clip.mp4"
        squares = make_clip(clip, np.asarray(data.images), arguments.frames)
        for name, find in ways.items():
            pictures.find_faces(next(iter(Video(clip))), net, detector)  # sets up graphs
            seconds, found = find_all(clip, find, clip.with_name("drawn.mp4"))
            errors = nme(found, squares, data.keypoints)
            each = [f"{1000 * seconds[step] / len(found):.1f}" for step in _STEPS]
            print(
                f"| {name} | {len(found) / sum(seconds.values()):.1f} | {' | '.join(each)} | "
                f"{np.isnan(errors).mean():.1%} | {np.nanmean(errors):.2%} |",
                flush=True,
            )


def make_clip(path, images, frames):
    """Writes a clip of faces, each in a part of its own; returns their squares by frame."""
    from PIL import Image

    from pictures.video import video_writer

    empty = landscapes()[0].resize(_SIZE)
    faces = [Image.fromarray(image[:, :, 0]) for image in images]
    squares = [
        [place(each, len(faces), frame) for each in range(len(faces))] for frame in range(frames)
    ]
    with video_writer(path, _SIZE, 25.0) as write:
        for here in squares:
            picture = empty.copy()
            for face, (left, top, side) in zip(faces, here, strict=True):
                picture.paste(face.resize((side, side), Image.Resampling.BICUBIC), (left, top))
            write(picture)
    return squares


def place(face, count, frame):
    """Where one of so many faces is in a frame: left, top and side, px."""
    width, height = _SIZE[0] / count, _SIZE[1]
    side = min(width, height) * (0.3 + 0.08 * math.sin(frame / 17 + face))
    x = width * (face + 0.5 + 0.2 * math.sin(frame / 13 + 2 * face))
    y = height * (0.5 + 0.2 * math.sin(frame / 9 + 3 * face))
    return round(x - side / 2), round(y - side / 2), round(side)


def find_all(clip, find, drawn):
    """Finds and draws the faces of a clip; returns the seconds of each step, and the faces."""
    from pictures.annotation import annotated
    from pictures.video import Video, video_writer

    seconds, found = dict.fromkeys(_STEPS, 0.0), []
    video = Video(clip)
    frames = iter(video)

    def timed(step, function, *arguments, **options):
        began = time.perf_counter()
        result = function(*arguments, **options)
        seconds[step] += time.perf_counter() - began
        return result

    with video_writer(drawn, video.size, video.frames_per_second) as write:
        while (frame := timed("read", next, frames, None)) is not None:
            found.append(timed("find", find, frame))
            timed("write", write, timed("draw", annotated, frame, found[-1], enlarge=False))
    video.close()
    return seconds, found


def nme(found, squares, labels):
    """The error of each face in each frame, `(frames, faces)`; NaN where it was missed."""
    from evaluation.metrics import OUTER_CORNERS, face_nme, inter_ocular_distance
    from pictures.cropping import Box, to_photograph

    errors = np.full((len(squares), len(labels)), np.nan)
    for frame, (faces, here) in enumerate(zip(found, squares, strict=True)):
        for number, match in enumerate(find_squares(here, [face.box for face in faces])):
            if match is None:
                continue
            (face,) = (each for each in faces if each.box == match.box)
            left, top, side = here[number]
            actual = to_photograph(labels[number], Box(left, top, side, side))[np.newaxis]
            distance = inter_ocular_distance(actual, between=OUTER_CORNERS)
            errors[frame, number] = face_nme(face.points[np.newaxis], actual, distance)[0]
    return errors


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
