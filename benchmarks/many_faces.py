"""Trains on 3,000, 30,000 and 300,000 faces, from shards and from memory, and prints what it costs.

    python -m benchmarks.many_faces
    python -m benchmarks.many_faces --faces 3000 30000 --net heatmap_s

The faces are the built-in drawn ones again and again, each time in another brightness. Each
training is a process of its own that trains for two epochs, and the second one is timed, with its
validation. Memory is the most that the process held besides copies of files, for which Linux finds
room as it can; only Linux tells it. 300,000 faces take 2.8 GB of disk, and more of memory.
"""

import concurrent.futures
import multiprocessing
import pathlib
import tempfile
import threading
import time

import numpy as np

import command_line
import tensorflow_start
from benchmarks import machine

PROGRAM = "python -m benchmarks.many_faces"
POLL_SECONDS = 0.02


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument(
        "--faces", type=command_line.at_least(10), nargs="+", default=[3000, 30_000, 300_000]
    )
    parser.add_argument("--net", default="net1", help="of the zoo (default: %(default)s)")
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import models

    models.find(arguments.net)  # reports mistakes before any work
    print(f"{machine.describe()}.\n")
    print("| faces | from | µs per face and epoch | peak memory |\n|--:|:--|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="many-faces-") as folder:
        for count in arguments.faces:
            shards = pathlib.Path(folder) / str(count)
            write_faces(shards, count)
            for where in ("shards", "memory"):
                seconds, peak = in_a_process(train, arguments.net, shards, where == "memory")
                print(
                    f"| {count:,} | {where} | {seconds / count * 1e6:,.0f} | {peak:,.0f} MB |",
                    flush=True,
                )


def write_faces(folder, count):
    """Writes the drawn faces as shards until there are so many."""
    import data_pipeline

    faces = data_pipeline.load_faces()
    rng = np.random.default_rng(0)
    with data_pipeline.ShardWriter(folder, "drawn", "drawn faces") as writer:
        for first in range(0, count, len(faces)):
            some = faces.rows(np.arange(min(len(faces), count - first)))
            brightness = rng.uniform(0.5, 1, (len(some), 1, 1, 1)).astype(np.float32)
            images = (some.images * brightness).astype(np.uint8)
            writer.add(images, some.keypoints, first + np.arange(len(some)))


def in_a_process(work, *arguments):
    """Calls a function in a new process and returns what it returns."""
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(work, *arguments).result()


def train(net, shards, from_memory):
    """Trains for two epochs; returns the seconds of the second, and the peak memory in MB."""
    tensorflow_start.start_quietly()
    import dataclasses

    import keras

    import data_pipeline
    import models
    from benchmarks.short_training import train_net

    models.set_precision(models.choose_precision("auto")[0])
    with PeakMemory() as memory:
        faces = data_pipeline.load_faces(shards)
        if from_memory:
            images = np.asarray(faces.images)
            faces = dataclasses.replace(faces.with_labels_in_memory(), images=images)
        recipe = dataclasses.replace(models.find_recipe(net), epochs=2, rows="labelled")
        ends = []
        clock = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
        )
        train_net(net, recipe, *data_pipeline.split(faces, seed=0), 0, [clock])
    return ends[1] - ends[0], memory.peak


class PeakMemory:
    """A context that looks again and again how much memory this process holds.

    Attributes:
        peak: the most, in MB, without copies of files.
    """

    def __enter__(self):
        self.peak, self._over = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while not self._over.wait(POLL_SECONDS):
            status = pathlib.Path("/proc/self/status").read_text()
            line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
            self.peak = max(self.peak, int(line.split()[1]) * 1024 / 1e6)

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
