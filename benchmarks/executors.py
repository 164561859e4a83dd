"""Measures what several trainings cost one after another, in processes, and with Ray.

    python -m benchmarks.executors
    python -m benchmarks.executors --net net7 --epochs 10 --faces 200 --rounds 1

Each way trains the same six specialists in turn, with one thread a training, or two where that is
said; `train.py` runs in a process of its own. For Ray, that is on a cluster of two cores on this
machine, which was started before. Without --net, the nets are narrow: nearly all of their time is
the start of TensorFlow.

The table has wall-clock seconds, and processor time (user and system, sampled): of the command, of
the processes that train for it, and of all others of the cluster. Each way also trains for one
epoch only. What the other epochs take, divided by six, is a training's time less its start. Ways
with as many threads must end with the same weights, histories and results to the last bit. Linux
only; Ray is the extra `ray`.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import sys
import tempfile

import numpy as np

import command_line
import tensorflow_start
from benchmarks import processor_time
from benchmarks.machine import describe
from benchmarks.processor_time import Times
from benchmarks.run_contents import differing
from errors import FailedError, UserError

PROGRAM = "python -m benchmarks.executors"
ROOT = pathlib.Path(__file__).parents[1]
TRAININGS = 6
NARROW_NET = ("--architecture", "net1", "--set", "hidden_units=5")
FEW_FACES = 60


@dataclasses.dataclass(frozen=True)
class Way:
    """A way to train: its name, the options of `train.py`, and the threads of each training."""

    name: str
    options: tuple[str, ...] = ()
    threads: int = 1


RAY = Way("`--cluster`, two cores", ("--cluster",))  # which lacks the address
WAYS = (
    Way("one after another"),
    Way("… with two threads", threads=2),
    Way("`--jobs 2`", ("--jobs", "2")),
    RAY,
)


def main(argv=None):
    arguments = parse_arguments(argv)
    if sys.platform != "linux":
        raise UserError("The processor time of Ray's processes is read from /proc, as on Linux.")
    tensorflow_start.start_quietly()
    import models
    from ray_connection import require_ray

    require_ray()
    if arguments.net:
        models.find(arguments.net)  # reports a mistake before any work
    os.environ["RAY_AUTH_MODE"] = "disabled"
    with tempfile.TemporaryDirectory(prefix="executors-") as name:
        print_table(*measure(pathlib.Path(name), arguments))


def parse_arguments(argv):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("--net", help="of the zoo (default: net1, with 5 hidden units)")
    faces = parser.add_mutually_exclusive_group()
    command_line.add_data_argument(faces)
    faces.add_argument(
        "--faces",
        type=command_line.at_least(10),
        default=FEW_FACES,
        help="how many of the drawn faces (default: %(default)s)",
    )
    for option, least, default in (("--epochs", 2, 50), ("--rounds", 1, 3)):
        parser.add_argument(
            option,
            type=command_line.at_least(least),
            default=default,
            help="(default: %(default)s)",
        )
    return parser.parse_args(argv)


def measure(folder, arguments):
    """Returns by way, for each round, the `Times` of all epochs, and those of one epoch."""
    data = arguments.data and os.path.abspath(os.path.expanduser(arguments.data))
    if not data:
        from benchmarks.many_faces import write_faces

        data = folder / "faces"
        write_faces(data, arguments.faces)
    net = ("--architecture", arguments.net) if arguments.net else NARROW_NET
    whole, start = ({way: [] for way in WAYS} for _ in range(2))
    references = {}
    for number in range(arguments.rounds):
        for way in WAYS:
            runs = folder / str(number) / way.name
            with ready(way) as options:
                options = [*net, "--data", data, *options]
                start[way].append(train(way, runs / "start", 1, options))
                whole[way].append(train(way, runs, arguments.epochs, options))
            reference = references.setdefault(way.threads, runs)
            if differing(runs, reference):
                raise FailedError(f"{way.name} ended with other weights, histories or results.")
            if runs != reference:
                shutil.rmtree(runs)  # six net7s take 0.4 GB
    return whole, start


@contextlib.contextmanager
def ready(way):
    """Starts what a way needs; yields its options."""
    if way is not RAY:
        yield way.options
        return
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "object_store_memory": 2**27, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    try:
        yield (*way.options, cluster.address)
    finally:
        cluster.shutdown()


def train(way, runs, epochs, options) -> Times:
    """Trains into a folder of runs, and returns what it took."""
    command = [sys.executable, "train.py", "--model", "specialists", "--precision", "float32"]
    command += [*map(str, options), "--epochs", str(epochs), "--runs", str(runs)]
    threads = {"TF_NUM_INTRAOP_THREADS": str(way.threads)}
    return processor_time.measure(command, ROOT, threads)


def print_table(whole, start):
    """Prints means over rounds, and the ratios of processor times to the first way's."""
    print(f"{describe()}.\n")
    print(
        "| | wall clock | `train.py` | its trainings | the rest of Ray | all | ratio "
        "| each, less its start | ratio |"
    )
    print("|:--|--:|--:|--:|--:|--:|--:|--:|--:|")
    first = None
    for way in WAYS:
        times, of_start = (Times(*np.mean(each[way], axis=0)) for each in (whole, start))
        each = (times.processor - of_start.processor) / TRAININGS
        first = first or (times.processor, each)
        cells = [f"{cell:.1f} s" if cell >= 0.05 else "" for cell in (*times, times.processor)]
        cells += [f"{times.processor / first[0]:.2f}", f"{each:.1f} s", f"{each / first[1]:.2f}"]
        print(f"| {way.name} | {' | '.join(cells)} |")
    print("\nWeights, histories and results are equal to the last bit in all ways with one thread.")


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
