"""Measures the processor time of several trainings one after another, in processes, and with Ray.

    python -m benchmarks.executors --rounds 3

Each way trains the same six specialists (narrow nets, on 60 drawn faces) in turn, with one thread a
training; `train.py` runs in a process of its own. For Ray, that is on a cluster of two cores on
this machine, which was started before. The table has user and system seconds, sampled: of the
command, of the processes that train for it, and of all others of the cluster. All ways must end
with the same weights, histories and results to the last bit. Linux only; Ray is the extra `ray`.
"""

import dataclasses
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

import numpy as np

import command_line
import tensorflow_start
from benchmarks.kill_tests import write_faces
from benchmarks.machine import describe
from benchmarks.run_contents import differing
from errors import FailedError, UserError

PROGRAM = "python -m benchmarks.executors"
ROOT = pathlib.Path(__file__).parents[1]
TRAININGS = 6
TRAINERS = ("multiprocessing.spawn", "ray::train_on_node")  # in command lines
SECONDS_BETWEEN_SAMPLES = 0.05
WAYS = {
    "one after another": (),
    "`--jobs 2`": ("--jobs", "2"),
    "`--cluster`, two cores": ("--cluster",),
}


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    for option, default in (("--rounds", 3), ("--epochs", 50)):
        parser.add_argument(
            option, type=command_line.at_least(1), default=default, help="(default: %(default)s)"
        )
    arguments = parser.parse_args(argv)
    if sys.platform != "linux":
        raise UserError("The processor time of Ray's processes is read from /proc, as on Linux.")
    tensorflow_start.start_quietly()
    from ray_connection import require_ray

    require_ray()
    os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "RAY_AUTH_MODE": "disabled"}
    with tempfile.TemporaryDirectory(prefix="executors-") as name:
        measure(pathlib.Path(name), arguments)


def measure(folder, arguments):
    from ray.cluster_utils import Cluster

    write_faces(folder / "faces")
    node = {"num_cpus": 2, "object_store_memory": 2**27, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    seconds, reference = {way: [] for way in WAYS}, None
    try:
        for number in range(arguments.rounds):
            for way, options in WAYS.items():
                if options == ("--cluster",):
                    options = ("--cluster", cluster.address)
                runs = folder / way / str(number)
                seconds[way].append(train(folder / "faces", runs, arguments.epochs, options))
                reference = reference or runs
                if differing(runs, reference):
                    raise FailedError(f"{way} ended with other weights, histories or results.")
    finally:
        cluster.shutdown()
    print_table(seconds)


def train(data, runs, epochs, options):
    """Trains; returns seconds of `train.py`, of the processes that train, and of all others."""
    command = [sys.executable, "train.py", "--model", "specialists", "--architecture", "net1"]
    command += ["--set", "hidden_units=5", "--epochs", str(epochs), "--precision", "float32"]
    command += ["--data", str(data), "--runs", str(runs), *options]
    first = {each.number: each.seconds for each in descendants()}
    training = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    last, trainers = {}, set()
    while training.poll() is None:
        for process in descendants():
            last[process.number] = process.seconds
            if any(each in process.command for each in TRAINERS):
                trainers.add(process.number)
        time.sleep(SECONDS_BETWEEN_SAMPLES)
    if training.returncode:
        raise FailedError(f"`{shlex.join(command)}` ended with status {training.returncode}.")
    used = {number: seconds - first.get(number, 0.0) for number, seconds in last.items()}
    of_command = used.pop(training.pid)
    of_trainers = sum(used.pop(number) for number in trainers)
    return of_command, of_trainers, sum(used.values())


@dataclasses.dataclass(frozen=True)
class Process:
    """A process with its command line, and the processor seconds that it has used."""

    number: int
    parent: int
    command: str
    seconds: float


def descendants() -> list[Process]:
    """Returns the processes that this one has started, and those that they have."""
    processes = [each for each in map(read_process, pathlib.Path("/proc").glob("[0-9]*")) if each]
    numbers, size = {os.getpid()}, 0
    while len(numbers) > size:
        size = len(numbers)
        numbers |= {each.number for each in processes if each.parent in numbers}
    return [each for each in processes if each.number in numbers - {os.getpid()}]


def read_process(folder):
    """Reads a process's folder in /proc; None if it has ended."""
    try:
        fields = (folder / "stat").read_text().rpartition(") ")[2].split()
        command = (folder / "cmdline").read_text()
    except OSError:
        return None
    seconds = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return Process(int(folder.name), int(fields[1]), command, seconds)


def print_table(seconds):
    """Prints the means over rounds, and the ratio of all to the first way's."""
    print(f"{describe()}.\n")
    print("| | `train.py` | its trainings | each | the rest of Ray | all | ratio |")
    print("|:--|--:|--:|--:|--:|--:|--:|")
    first = None
    for way, rounds in seconds.items():
        command, trainers, others = np.mean(rounds, axis=0)
        total = command + trainers + others
        first = first or total
        cells = [command, trainers, trainers / TRAININGS, others, total]
        shown = " | ".join(f"{cell:.1f} s" if cell else "" for cell in cells)
        print(f"| {way} | {shown} | {total / first:.1f} |")
    print(f"\nWeights, histories and results are equal to the last bit in all {len(WAYS)} ways.")


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
