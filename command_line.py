"""What the scripts share: one clear line and exit status 2 for a person's mistake."""

import argparse
import contextlib
import importlib.util
import os
import re
import sys
import tempfile

from errors import UserError

BACKENDS = ("tensorflow", "jax")  # of Keras, that the project runs on


class Parser(argparse.ArgumentParser):
    """Takes no abbreviated options; a mistake gets one line, without the usage before it."""

    def __init__(self, **settings):
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message} (--help shows the options)\n")


def add_data_argument(parser):
    """Adds `--data`, which says where the faces are."""
    parser.add_argument(
        "--data",
        help="folder with Kaggle's training.csv, .csv.gz or .zip, or the competition's zip\n"
        "(default: the built-in drawn faces)",
    )


def at_least(least, most=None):
    """The `type` of an option that takes a whole number from `least` on, or up to `most`."""

    def read(text):
        number = int(text) if re.fullmatch(r"\d+", text) else least - 1
        if number < least or (most and number > most):
            limit = f" and at most {most}" if most else ""
            raise argparse.ArgumentTypeError(
                f"must be a whole number, at least {least}{limit}. Received: {text}"
            )
        return number

    return read


def run(main, program=None, argv=None):
    """Runs a script's `main(argv)` and exits with its status (None is 0).

    A `UserError` becomes `<program>: error: <message>` on stderr and its status, 2 as a rule. A
    second Ctrl-C, or one outside training, gives status 130, and a reader that went away (`| head`)
    ends quietly.

    Args:
        main: takes a list of options; None stands for those of the command line.
        program: what messages begin with; None takes the file's name.
        argv: the options.
    """
    program = program or _script()
    try:
        status = main(argv)
        sys.stdout.flush()
    except UserError as error:
        message = " ".join(str(error).split())
        print(f"{program}: error: {message}", file=sys.stderr)
        status = error.status
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        status = 130
    except BrokenPipeError:
        # Python would complain once more while it flushes the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 141
    sys.exit(status)


def warn(message):
    """Prints a line about something that is left out, while the script goes on."""
    print(f"{_script()}: {message}", file=sys.stderr)


def _script():
    return os.path.basename(sys.argv[0])


def counted(number, noun):
    """A number with its noun: `1 face`, `1,234 faces`."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def require_backend():
    """Returns the `KERAS_BACKEND`, and refuses one that Keras would fail with.

    Raises:
        UserError: if it is none of `BACKENDS`, or JAX is not installed.
    """
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend not in BACKENDS:
        raise UserError(
            f"KERAS_BACKEND must be one of {', '.join(BACKENDS)}. Received: {backend!r}."
        )
    if backend == "jax" and importlib.util.find_spec("jax") is None:
        raise UserError(
            "KERAS_BACKEND=jax needs JAX, which is an extra: pip install -e '.[jax]'. Or leave "
            "KERAS_BACKEND out."
        )
    return backend


# Keras imports these for galleries, data frames and scikit-learn pipelines. The project hands it
# none of them, and they take more than a third of the time that an import of TensorFlow takes.
_UNUSED_BY_KERAS = ("matplotlib", "pandas", "sklearn")
# What TensorFlow's libraries say at start about CPU features and absent GPUs, whatever their log
# level is set to: glog lines, and absl's warning that it was not initialized for them.
_START_UP_NOISE = re.compile(
    rb"[IWE]\d{4} \d\d:\d\d:[\d.]+ .*|WARNING: All log messages before absl.*"
)


def start_quietly():
    """Imports TensorFlow and looks for devices, without the log lines that this prints.

    Raises:
        UserError: as `require_backend`.
    """
    os.environ["KERAS_BACKEND"] = require_backend()  # whatever a person's keras.json says
    import_tensorflow_quietly()
    import keras

    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")


def import_tensorflow_quietly():
    """The same for scripts that do not use Keras, whatever its backend is set to."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with without_lines(_START_UP_NOISE):
        with _without_packages(_UNUSED_BY_KERAS):
            import tensorflow as tf

        tf.config.list_physical_devices()
        # Six specialists mean six traces; TensorFlow would warn of the fifth and each later.
        tf.get_logger().setLevel("ERROR")


@contextlib.contextmanager
def _without_packages(names):
    """Makes packages that are not imported yet seem not to be installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def without_lines(noise):
    """Keeps lines that match `noise`, a pattern of bytes, off stderr, whoever writes them.

    Everything else (warnings, the reason of a failure) is written when the block ends.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            captured.seek(0)
            for line in captured:
                if not noise.fullmatch(line.rstrip()):
                    sys.stderr.buffer.write(line)
            sys.stderr.flush()
