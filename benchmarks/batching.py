"""Compares batching parameters of TensorFlow Serving in TensorFlow's own batching operation.

    python -m benchmarks.batching preset:heatmap_s
    python -m benchmarks.batching runs/specialists --rounds 5

The server batches with `SharedBatchScheduler`, which TensorFlow has as the operation
`BatchFunction`, with the same parameters. So the queue, the threads and the net are those of a
server; reading requests and writing answers, over REST a good part of the work, are left out.

The first row is serving/batching_parameters.txt; each other row changes one number. Rows take turns
within a round, so that whatever else the machine does slows all of them alike: ratios hold where
single figures may not. Cells are medians over rounds.
"""

import collections
import dataclasses
import pathlib
import re
import tempfile
import threading
import time

import numpy as np

import command_line
import tensorflow_start
from keypoint_schema import IMAGE_SHAPE

PROGRAM = "python -m benchmarks.batching"
PARAMETERS = pathlib.Path(__file__).parents[1] / "serving" / "batching_parameters.txt"
INTRA_OP_THREADS = 1  # --tensorflow_intra_op_parallelism in serving/compose.yaml


@dataclasses.dataclass(frozen=True)
class Parameters:
    """As in batching_parameters.txt."""

    max_batch_size: int
    batch_timeout_micros: int
    num_batch_threads: int
    max_enqueued_batches: int

    @classmethod
    def of_the_server(cls):
        text = re.sub(r"(?m)^#.*$", "", PARAMETERS.read_text())
        return cls(
            **{name: int(value) for name, value in re.findall(r"(\w+) { value: (\d+)", text)}
        )

    def sizes(self):
        """Returns the allowed batch sizes: powers of two."""
        return [2**power for power in range(self.max_batch_size.bit_length())]


CHANGES = (
    {"max_batch_size": 8},
    {"max_batch_size": 16},
    {"max_batch_size": 64},
    {"batch_timeout_micros": 500},
    {"batch_timeout_micros": 2000},
    {"batch_timeout_micros": 10_000},
    {"num_batch_threads": 1},
    {"num_batch_threads": 4},
    {"max_enqueued_batches": 2},
    {"max_enqueued_batches": 4},
    {"max_enqueued_batches": 16},
)
LOADS = {"1 client": (1, 1), "32 clients": (32, 1), "48 clients of 32 faces": (48, 32)}


@dataclasses.dataclass(frozen=True)
class Measured:
    """What one row did under one load: faces/s, s of each answer, faces a batch, refused part."""

    throughput: float
    latencies: np.ndarray
    batch: float
    refused: float


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("net", metavar="NET", help="a run folder or preset:NAME")
    positive = {"type": command_line.at_least(1), "metavar": "N"}
    parser.add_argument("--rounds", default=3, help="(default: 3)", **positive)
    parser.add_argument(
        "--milliseconds", default=1000, help="of each measurement (default: 1000)", **positive
    )
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import tensorflow as tf

    # Before anything runs, because it holds for the whole process.
    tf.config.threading.set_intra_op_parallelism_threads(INTRA_OP_THREADS)
    base = Parameters.of_the_server()
    rows = {"as configured": base}
    for change in CHANGES:
        ((name, value),) = change.items()
        rows[f"{name} {value:,}"] = dataclasses.replace(base, **change)
    with tempfile.TemporaryDirectory() as folder:
        print_table(measure(export(arguments.net, folder), rows, arguments))


def export(name, folder):
    """Exports a net, and loads its `serve_uint8`."""
    import tensorflow as tf

    from exporting import write_saved_model
    from trained_nets.loading import load_keras_net

    net = load_keras_net(name)
    write_saved_model(net.model, net.names, folder)
    return tf.saved_model.load(folder).signatures["serve_uint8"]


def measure(net, rows, arguments):
    """Returns `{load: {row: a Measured for each round}}`."""
    batchers = {name: Batcher(net, parameters) for name, parameters in rows.items()}
    found = {load: collections.defaultdict(list) for load in LOADS}
    for number in range(arguments.rounds + 1):  # the first one only warms up
        for load, (clients, faces) in LOADS.items():
            for name, batcher in batchers.items():
                # The server refuses requests of more faces than a batch may have.
                sent = min(faces, rows[name].max_batch_size)
                measured = put_under_load(batcher, clients, sent, arguments.milliseconds / 1e3)
                if number:
                    found[load][name].append(measured)
    return found


class Batcher:
    """The net behind a batching queue of its own; counts the batches that it runs."""

    def __init__(self, net, parameters):
        import tensorflow as tf

        self.batches = tf.Variable(0, dtype=tf.int64)
        spec = tf.TensorSpec((None, *IMAGE_SHAPE), tf.uint8)

        @tf.function(input_signature=[spec], autograph=False)
        def run_batch(images):
            with tf.control_dependencies([self.batches.assign_add(1)]):
                return net(images=images)["keypoints"]

        function = run_batch.get_concrete_function()

        @tf.function(input_signature=[spec], autograph=False)
        def ask(images):
            return tf.raw_ops.BatchFunction(
                in_tensors=[images],
                captured_tensors=function.captured_inputs,
                f=function,
                Tout=[tf.float32],
                allowed_batch_sizes=parameters.sizes(),
                shared_name=str(id(self)),
                **dataclasses.asdict(parameters),
            )[0]

        self.ask = ask.get_concrete_function()
        self._keep = function


def put_under_load(batcher, clients, faces, seconds):
    """Lets several clients ask without a pause; returns a `Measured`."""
    import tensorflow as tf

    shape = (faces, *IMAGE_SHAPE)
    images = tf.constant(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    latencies, refusals = [], []
    before = int(batcher.batches)
    start = time.perf_counter()

    def ask():
        while time.perf_counter() < start + seconds:
            asked = time.perf_counter()
            try:
                batcher.ask(images)[0].numpy()
                latencies.append(time.perf_counter() - asked)
            except tf.errors.UnavailableError:
                refusals.append(time.perf_counter())
                time.sleep(0.05)  # as a client would before it tries again

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    answered = faces * len(latencies)
    return Measured(
        throughput=answered / took,
        latencies=np.array(latencies),
        batch=answered / max(int(batcher.batches) - before, 1),
        refused=len(refusals) / (len(refusals) + len(latencies)),
    )


def print_table(found):
    for load, rows in found.items():
        first = next(iter(rows.values()))
        print(f"\n| {load} | faces/s | ratio | p50 ms | p99 ms | faces a batch | refused |")
        print("|:--|" + "--:|" * 6)
        for name, rounds in rows.items():
            ratios = [a.throughput / b.throughput for a, b in zip(rounds, first, strict=True)]
            p50, p99 = (
                np.median([np.percentile(each.latencies, p) for each in rounds]) * 1e3
                for p in (50, 99)
            )
            throughput, batch, refused = (
                np.median([getattr(each, key) for each in rounds])
                for key in ("throughput", "batch", "refused")
            )
            print(
                f"| {name} | {throughput:,.0f} | {np.median(ratios):.2f} | {p50:.1f} | {p99:.1f} "
                f"| {batch:.1f} | {refused:.0%} |"
            )


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
