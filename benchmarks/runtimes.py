"""A net of the zoo in each runtime, each of them in a process of its own, as it would be used.

Within one process, threads of one runtime that still wait for work would take the cores from the
next. TensorFlow's threads are also set once for a whole process.
"""

import contextlib
import importlib
import multiprocessing
import pathlib
import tempfile
import time

import numpy as np

import tensorflow_start
from benchmarks.turns import orders
from keypoint_schema import IMAGE_SHAPE, NAMES

_WARM_UP = 3  # calls before each measurement: other processes had the caches


def random_images(batch):
    """Returns float32 `(batch, 96, 96, 1)`, 0–255."""
    shape = (batch, *IMAGE_SHAPE)
    return np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)


@contextlib.contextmanager
def started(net):
    """Exports a net, with fresh weights, and starts each runtime whose packages are installed.

    All compute in float32; OpenVINO in bfloat16 as well, where the processor can. The SavedModel
    is what `export.py` writes, with all checks of its input.

    Yields:
        `RuntimeProcess` by name: the SavedModel first, with TensorFlow's own choice of threads.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        ways = _export(net, pathlib.Path(folder))
        yield {
            name: stack.enter_context(contextlib.closing(RuntimeProcess(*arguments)))
            for name, arguments in ways.items()
        }


def milliseconds(processes, batch, calls, rounds):
    """Measures ms per face, `(rounds,)` by name; a round's is the median of calls in a row."""
    for process in processes.values():
        process.seconds(batch, calls)
    taken = {name: [] for name in processes}
    for order in orders(processes, rounds):
        for name in order:
            taken[name].append(np.median(processes[name].seconds(batch, calls)))
    return {name: np.array(values) * 1e3 / batch for name, values in taken.items()}


class RuntimeProcess:
    """A process that opens a net and times itself when asked."""

    def __init__(self, module, function, *arguments):
        """Starts it; the module's function there returns a function of images."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, module, function, arguments), daemon=True
        )
        self._process.start()
        theirs.close()  # so that its end is noticed here

    def seconds(self, batch, calls):
        """Returns the seconds of each of so many calls in a row, with `batch` faces each."""
        self._connection.send((batch, calls))
        return self._connection.recv()

    def close(self):
        self._connection.close()
        self._process.join()


def open_saved_model(folder, intra_op_threads):
    """Returns a function of images; `intra_op_threads` as in `exporting.open_saved_model`."""
    import exporting

    stack = contextlib.ExitStack()
    saved_model = stack.enter_context(exporting.open_saved_model(folder, intra_op_threads))

    def predict(images):
        return saved_model.run("serving_default", images=images)

    predict.close = stack.close  # which also keeps it open while the function lives
    return predict


def _export(net, folder):
    """By name, the arguments of a `RuntimeProcess`."""
    import models
    from exporting import litert_format, onnx_format, openvino_format, write_saved_model

    models.set_precision("float32")
    model = models.build(net)
    served, bare = folder / "served", folder / "bare"
    write_saved_model(model, NAMES, served)
    write_saved_model(model, NAMES, bare, guarded=False)
    ways = {
        "SavedModel": (__name__, "open_saved_model", served, 0),
        "SavedModel, one thread": (__name__, "open_saved_model", served, 1),
    }
    formats = {
        "ONNX Runtime": (onnx_format, "ONNX float32"),
        "LiteRT": (litert_format, "LiteRT float32"),
        "OpenVINO": (openvino_format, "OpenVINO float32"),
    }
    for runtime, (writer, name) in formats.items():
        if writer.is_installed():
            file = writer.write(bare, folder, "net", random_images(8))[name]
            ways[runtime] = writer.__name__, "load", file
            if writer is openvino_format and writer.has_bfloat16():
                ways[f"{runtime}, bfloat16"] = writer.__name__, "load", file, "bf16"
    return ways


def _serve(connection, module, function, arguments):
    tensorflow_start.start_quietly()
    # Named, not passed: to unpickle it would import TensorFlow before the quiet start.
    predict = getattr(importlib.import_module(module), function)(*arguments)
    with contextlib.suppress(EOFError):  # the other side has closed
        while True:
            batch, calls = connection.recv()
            images = random_images(batch)
            seconds = []
            for _ in range(_WARM_UP + calls):
                start = time.perf_counter()
                predict(images)
                seconds.append(time.perf_counter() - start)
            connection.send(np.array(seconds[_WARM_UP:]))
