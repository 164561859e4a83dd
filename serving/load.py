"""Puts a TensorFlow Serving server under load; reports throughput and latency percentiles."""

import dataclasses
import io
import threading
import time
from collections.abc import Mapping

import numpy as np
from PIL import Image

import command_line
import keypoint_schema
from errors import UserError
from serving.client import add_target_arguments, prepare, target_of
from serving.connection import connect
from serving.target import MAX_BATCH, Target

PROGRAM = "python -m serving.load"
EXAMPLES = """examples:
  python -m serving.load
  python -m serving.load --url grpc://localhost:8500 --signature serve_uint8 --batch 8 --clients 4
"""
PERCENTILES = (50, 90, 99)


@dataclasses.dataclass(frozen=True)
class Traffic:
    """The requests to send.

    Attributes:
        signature: of the served model.
        inputs: of each request, by name.
        clients: how many send at the same time.
        requests: how many are sent in all.
    """

    signature: str
    inputs: Mapping[str, np.ndarray]
    clients: int
    requests: int


@dataclasses.dataclass(frozen=True)
class Load:
    """What a load run measured.

    Attributes:
        seconds: how long it took.
        faces: how many were answered.
        latencies: s, one for each answered request.
        errors: the messages of the requests that failed.
    """

    seconds: float
    faces: int
    latencies: tuple[float, ...]
    errors: tuple[str, ...]


def main(argv=None):
    arguments = parse_arguments(argv)
    inputs = make_inputs(arguments.signature, arguments.batch)
    traffic = Traffic(arguments.signature, inputs, arguments.clients, arguments.requests)
    prepare(arguments)
    load = run_load(target_of(arguments), traffic)
    print_load(arguments, load)
    return 1 if load.errors else 0


def parse_arguments(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__, epilog=EXAMPLES)
    add_target_arguments(parser)
    parser.add_argument(
        "--signature",
        choices=("serving_default", "serve_uint8", "serve_bytes", "serve_named"),
        default="serve_bytes",
        help="(default: %(default)s)",
    )
    positive = {"type": command_line.at_least(1), "metavar": "N"}
    parser.add_argument(
        "--batch",
        type=command_line.at_least(1, MAX_BATCH),
        default=1,
        metavar="N",
        help=f"faces a request, up to the server's max_batch_size, {MAX_BATCH} (default: 1)",
    )
    parser.add_argument("--clients", default=4, help="at the same time (default: 4)", **positive)
    parser.add_argument("--requests", default=200, help="in all (default: 200)", **positive)
    return parser.parse_args(argv)


def make_inputs(signature, batch):
    """One request's input by name: noise pictures, as PNG files for `serve_bytes`."""
    shape = (batch, *keypoint_schema.IMAGE_SHAPE)
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    if signature == "serve_bytes":
        files = np.empty(batch, object)
        files[:] = [_png(image[..., 0]) for image in images]
        return {"image_bytes": files}
    return {"images": images if signature == "serve_uint8" else images.astype(np.float32)}


def run_load(target: Target, traffic: Traffic) -> Load:
    """Sends requests from several clients, each over its own connection, one after another.

    A failing request ends its client; the others send what is left.

    Raises:
        UserError: if the first request, which is not timed, is not answered.
    """
    with connect(target) as connection:
        connection.predict(traffic.signature, **traffic.inputs)
    numbers = iter(range(traffic.requests))
    lock = threading.Lock()
    latencies, errors = [], []

    def run_client():
        try:
            with connect(target) as connection:
                while True:
                    with lock:
                        if next(numbers, None) is None:
                            return
                    start = time.perf_counter()
                    connection.predict(traffic.signature, **traffic.inputs)
                    latencies.append(time.perf_counter() - start)
        except UserError as error:
            errors.append(str(error))

    # Daemons, which do not outlive Ctrl-C.
    threads = [threading.Thread(target=run_client, daemon=True) for _ in range(traffic.clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    batch = len(next(iter(traffic.inputs.values())))
    return Load(seconds, batch * len(latencies), tuple(latencies), tuple(errors))


def print_load(arguments, load):
    print(
        f"{arguments.signature} at {arguments.url}: "
        f"{command_line.counted(len(load.latencies), 'request')} of {arguments.batch} from "
        f"{command_line.counted(arguments.clients, 'client')} in {load.seconds:.1f} s"
    )
    print(f"throughput  {load.faces / load.seconds:10.1f} faces/s")
    if load.latencies:
        for percentile in PERCENTILES:
            latency = np.percentile(load.latencies, percentile) * 1e3
            print(f"latency p{percentile:<3}{latency:10.2f} ms")
    for message in sorted(set(load.errors)):
        print(f"failed ×{load.errors.count(message)}: {message}")


def _png(gray):
    file = io.BytesIO()
    Image.fromarray(gray).save(file, "PNG")
    return file.getvalue()


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
