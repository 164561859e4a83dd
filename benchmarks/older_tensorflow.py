"""Loads an export in older versions of TensorFlow, and compares every signature's answers.

    python -m benchmarks.older_tensorflow --versions 2.18.1 2.19.1

A server's version is that of its TensorFlow. Each version is installed into a virtual environment
of its own, which is removed afterwards, by `pip install tensorflow-cpu==VERSION`. The process that
loads the export there knows neither this project nor Keras.
"""

import pathlib
import pickle
import subprocess
import sys
import tempfile
import textwrap
import venv

import numpy as np

import command_line
import tensorflow_start
from benchmarks.fuzz_requests import good_requests
from errors import UserError

PROGRAM = "python -m benchmarks.older_tensorflow"
OLDEST = "2.18.1"  # the newest patch of the oldest version that setup.cfg allows
LOADER = """
    import pickle, sys

    sys.modules["keras"] = None  # importing it raises
    import tensorflow as tf

    folder, requests, answers = sys.argv[1:]
    with open(requests, "rb") as file:
        requests = pickle.load(file)
    graph = tf.Graph()
    with graph.as_default(), tf.compat.v1.Session(graph=graph) as session:
        loaded = tf.compat.v1.saved_model.loader.load(session, ["serve"], folder)
        found = {}
        for name, value in requests.items():
            signature = loaded.signature_def[name]
            (sent,) = signature.inputs.values()
            fetches = {key: info.name for key, info in signature.outputs.items()}
            found[name] = session.run(fetches, {sent.name: value})
    with open(answers, "wb") as file:
        pickle.dump((tf.__version__, found), file)
"""


def main(argv=None):
    arguments = parse_arguments(argv)
    tensorflow_start.start_quietly()
    import tensorflow as tf

    requests = make_requests()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        export(arguments.preset, folder / "export")
        expected = answers_of(sys.executable, folder, requests)[1]
        for version in arguments.versions:
            python = install(version, folder / version)
            found, answers = answers_of(python, folder, requests)
            print(
                f"{arguments.preset}, exported by TensorFlow {tf.__version__}, in {found}: "
                f"{len(answers)} signatures, at most {difference(answers, expected):.1e} px apart",
                flush=True,
            )


def parse_arguments(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument(
        "--versions", nargs="+", default=[OLDEST], metavar="VERSION", help=f"(default: {OLDEST})"
    )
    parser.add_argument("--preset", default="heatmap_s", help="(default: %(default)s)")
    return parser.parse_args(argv)


def make_requests():
    """For each signature, a batch of two; a third file is refused."""
    return {
        name: np.append(value, [b"no picture"]) if value.dtype == object else value
        for name, value in good_requests().items()
    }


def export(preset, folder):
    """Writes a preset's SavedModel, with `serve_photo`."""
    from exporting import write_saved_model
    from trained_nets import preset_store

    net = preset_store.load_preset(preset)
    write_saved_model(net.model, net.names, folder, photo=True)


def install(version, folder):
    """Makes a virtual environment with that TensorFlow; returns its Python's path."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [python, "-m", "pip", "install", "--quiet", f"tensorflow-cpu=={version}"]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise UserError(
            f"--versions must be of tensorflow-cpu for this Python. Received {version}: "
            f"{process.stderr.strip().splitlines()[-1]}"
        )
    return python


def answers_of(python, folder, requests):
    """Returns TensorFlow's version in `python`, and its answers by signature and output."""
    sent, received = folder / "requests", folder / "answers"
    sent.write_bytes(pickle.dumps(requests))
    script = textwrap.dedent(LOADER)
    command = [python, "-I", "-c", script, folder / "export", sent, received]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise RuntimeError(f"{python} cannot run the export: {process.stderr[-2000:]}")
    return pickle.loads(received.read_bytes())


def difference(answers, expected):
    """Returns the largest between two sets of answers, in px.

    Raises:
        RuntimeError: if they differ in more than numbers.
    """
    largest = 0.0
    for signature, outputs in expected.items():
        for name, wanted in outputs.items():
            found = answers[signature][name]
            if wanted.dtype == object:
                same = found.tolist() == wanted.tolist()
            else:
                same = np.array_equal(np.isnan(found), np.isnan(wanted))
            if not same:
                raise RuntimeError(f"{signature}, {name}: {found} instead of {wanted}")
            if wanted.dtype != object:
                largest = max(largest, float(np.nanmax(np.abs(found - wanted))))
    return largest


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
