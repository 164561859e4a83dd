"""A finder that starts in no time, for tests of everything around it; run to find faces itself."""

import argparse
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
from PIL import Image

import command_line
import keypoint_schema
import pictures
from errors import UserError
from pictures.detection import DetectedFace
from tests import ROOT
from tests.running import heed_ctrl_c

# The brightness of pictures that kill their process, take long, or wait until the gate is there.
DEADLY, SLOW, WAITING = 255, 1, 2


@dataclasses.dataclass(frozen=True)
class StandIn:
    """Loads a net that answers with a face's brightness; every picture is one face.

    Attributes:
        weights: what its answers depend on.
        mistake: with which loading it fails.
        gate: a file, without which pictures wait; None for no wait.
    """

    weights: str = "1"
    mistake: str | None = None
    gate: pathlib.Path | None = None
    names = keypoint_schema.NAMES

    def __call__(self):
        if self.mistake:
            raise UserError(self.mistake)
        return pictures.Finder(self, self, {"weights": self.weights, "detect": True})

    def find(self, picture):
        brightness = picture.getpixel((0, 0))
        if brightness == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        if brightness == SLOW:
            time.sleep(1.0)
        while brightness == WAITING and self.gate and not self.gate.exists():
            time.sleep(0.02)
        return [DetectedFace(pictures.Box(0, 0, *picture.size), 0.5)]

    def predict(self, images):
        means = images.mean((1, 2, 3), dtype=np.float32)
        return np.broadcast_to(means[:, None, None], (len(images), 15, 2))


def write_pictures(folder, brightnesses):
    """Writes gray pictures of 96×96 px; returns their paths, in their order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{number:04}.png" for number in range(len(brightnesses))]
    for path, brightness in zip(paths, brightnesses, strict=True):
        Image.new("L", (96, 96), brightness).save(path)
    return paths


def start(folder, out, *options):
    """Starts a process of its own, the first of a new group, that finds faces in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.pictures.stand_in_finder", folder, out, *options],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_ctrl_c,
    )


def _main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cluster")
    parser.add_argument("--gate", type=pathlib.Path)
    given = parser.parse_args(argv)
    outputs = pictures.Outputs(given.out, resume=given.resume)
    outputs.require_writable()
    paths = pictures.find_pictures([given.folder])
    stand_in = StandIn(gate=given.gate)
    return pictures.write_keypoints(paths, stand_in, outputs, given.jobs, given.cluster)


if __name__ == "__main__":
    command_line.run(_main)
