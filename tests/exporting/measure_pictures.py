"""Sends the pictures of a folder to a signature, one after the other; prints what each one cost.

    python -m tests.exporting.measure_pictures SAVED_MODEL FOLDER [SIGNATURE]

A process of its own, so that its peaks of memory are those of the pictures.
"""

import contextlib
import json
import pathlib
import sys
import time

import numpy as np

from exporting import open_saved_model
from tests.export_stand_in import colour_picture, encode

DOUBTFUL_SECONDS = 1.0  # on a busy machine, processor time too is longer at times
STATUS, CLEAR = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")


def megabytes(key):
    """A line of Linux's account of this process; zero elsewhere."""
    lines = STATUS.read_text().splitlines() if STATUS.exists() else []
    kilobytes = [line.split()[1] for line in lines if line.startswith(key + ":")]
    return int(kilobytes[0]) / 1024 if kilobytes else 0.0


def forget_peak():
    with contextlib.suppress(OSError):  # where it is not allowed, peaks are of all pictures so far
        CLEAR.write_text("5")


def main(saved_model, folder, signature="serve_bytes"):
    costs = {}
    with open_saved_model(saved_model) as saved:

        def ask(file):
            return saved.run(signature, image_bytes=np.array([file], object))

        for file_format in ("PNG", "JPEG", "GIF", "BMP"):  # what a first request sets up
            ask(encode(colour_picture(60, 60), file_format))
        for path in sorted(pathlib.Path(folder).iterdir()):
            file = path.read_bytes()
            tries = [cost(ask, file)]
            if tries[0]["seconds"] > DOUBTFUL_SECONDS:
                tries.append(cost(ask, file))
            costs[path.name] = min(tries, key=lambda each: each["seconds"])
            costs[path.name]["megabytes"] = max(each["megabytes"] for each in tries)
    print(json.dumps(costs))


def cost(ask, file):
    before = megabytes("VmRSS")
    forget_peak()
    start = time.process_time()
    (refusal,) = ask(file)["error"]
    return {
        "size": len(file),
        "seconds": time.process_time() - start,
        "megabytes": megabytes("VmHWM") - before,
        "refusal": refusal.decode(),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
