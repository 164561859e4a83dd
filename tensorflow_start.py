"""Starts TensorFlow and Keras: without their log lines, and without what nobody here uses."""

import atexit
import contextlib
import gc
import importlib.util
import operator
import os
import re
import sys
import tempfile

from errors import UserError

BACKENDS = ("tensorflow", "jax")  # Keras backends that the project runs on


def require_backend():
    """Returns the backend that `KERAS_BACKEND` selects, after checking that it can be used.

    Raises:
        UserError: if it is not one of `BACKENDS`, or is JAX and JAX is not installed.
    """
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend not in BACKENDS:
        raise UserError(
            f"KERAS_BACKEND must be one of {', '.join(BACKENDS)}. Received: {backend!r}."
        )
    if backend == "jax" and importlib.util.find_spec("jax") is None:
        raise UserError(
            "KERAS_BACKEND=jax needs JAX, which is an extra: pip install -e '.[jax]'. Or unset "
            "KERAS_BACKEND."
        )
    return backend


# Keras imports these for image galleries, data frames and scikit-learn pipelines. The project uses
# none of those, and these imports take more than a third of TensorFlow's import time.
_UNUSED_BY_KERAS = ("matplotlib", "pandas", "sklearn")
# TensorFlow imports these to convert JAX's functions to LiteRT, and for its old copy of Keras.
_UNUSED_BY_TENSORFLOW = ("jax", "scipy")
# What TensorFlow's libraries print at start about CPU features and missing GPUs at any log level:
# glog lines, and absl's warning that it was not initialized before them.
_START_UP_NOISE = re.compile(
    rb"[IWE]\d{4} \d\d:\d\d:[\d.]+ .*|WARNING: All log messages before absl.*"
)


def start_quietly():
    """Imports TensorFlow and lists its devices, without the log lines that this usually prints.

    Raises:
        UserError: as `require_backend`.
    """
    os.environ["KERAS_BACKEND"] = require_backend()  # whatever a person's keras.json says
    import_tensorflow_quietly()
    import keras

    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")


def import_tensorflow_quietly():
    """Does the same for scripts that do not use Keras, whatever `KERAS_BACKEND` says."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    unused = _UNUSED_BY_KERAS
    if os.environ.get("KERAS_BACKEND") != "jax":  # with which Keras uses these
        unused += _UNUSED_BY_TENSORFLOW
    with without_lines(_START_UP_NOISE):
        with _without_packages(unused), _without_garbage_collection():
            import tensorflow as tf

        _survive_ctrl_c()
        tf.config.list_physical_devices()
        # At exit, too, Python looks for garbage several times, which takes a second with all that
        # TensorFlow has made, and longer where several trainings end at once.
        atexit.register(gc.freeze)
        # Six specialists mean six traces; TensorFlow would warn about the fifth and sixth.
        tf.get_logger().setLevel("ERROR")


def _survive_ctrl_c():
    """Replaces a getter of TensorFlow's in which Ctrl-C would crash the process.

    Where its C++ code makes a tensor of a number, it asks Python for the handle of the context, and
    does not notice that an exception came instead (as of 2.21): a segmentation fault. Signal
    handlers run between Python's instructions, and this getter has none.
    """
    from tensorflow.python.eager import context

    if hasattr(context.context(), "_context_handle"):
        context.Context._handle = property(operator.attrgetter("_context_handle"))


@contextlib.contextmanager
def _without_packages(names):
    """Hides packages that are not imported yet, as if they were not installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextlib.contextmanager
def _without_garbage_collection():
    """Python looks for garbage among all that an import makes, again and again, and finds little.

    With TensorFlow, that is a fifth of the time. Nor is what was made looked at later.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


@contextlib.contextmanager
def without_lines(noise):
    """Keeps lines that match `noise`, a bytes pattern, off stderr, even those of C++ libraries.

    Everything else (warnings, the reason for a failure) is written when the block ends.
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
