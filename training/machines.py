"""One training over several machines: one process on each, as `KERAS_DISTRIBUTION_*` say.

All processes run the same command and take the same steps. The first one prints and saves; each of
the others writes into a temporary folder of its own, so that none reads what another is writing.
"""

import argparse
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable

import keras

import command_line
from errors import UserError

_NUM_PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"
_PROCESS_ID = "KERAS_DISTRIBUTION_PROCESS_ID"
_ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"


def run(arguments, train: Callable[[argparse.Namespace], int]) -> int:
    """Calls `train` with the options, after joining the other processes, if there are any.

    If there are, a failure ends this process at once: JAX would first wait for the others, and then
    report that as a second failure.

    Args:
        arguments: as `training.arguments.parse_arguments` returns them.
        train: returns the exit status.

    Raises:
        UserError: of a training in one process.
    """
    if os.environ.get(_NUM_PROCESSES, "1") == "1":
        return train(arguments)
    try:
        _join(arguments)
        with tempfile.TemporaryDirectory(prefix="facial-keypoints-") as folder:
            status = train(_options_of_this_process(arguments, pathlib.Path(folder)))
    except (UserError, KeyboardInterrupt) as error:
        status = command_line.tell(error)
    except Exception as error:
        status = _tell_lost_process(error)
    if status:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def _join(arguments):
    """Joins the other processes.

    Raises:
        UserError: if that is not possible.
    """
    if keras.backend.backend() != "jax":
        raise UserError(
            f"{_NUM_PROCESSES} asks for several processes, and these need JAX. Set "
            "KERAS_BACKEND=jax (pip install -e '.[jax]'), or unset it."
        )
    if arguments.jobs > 1 or arguments.cluster:
        raise UserError(
            f"{_NUM_PROCESSES} is for one training over several machines; leave out --jobs and "
            "--cluster."
        )
    number, of = (os.environ.get(each, "") for each in (_PROCESS_ID, _NUM_PROCESSES))
    if not (number.isdigit() and of.isdigit() and int(number) < int(of)):
        raise UserError(
            f"{_PROCESS_ID} must count the processes from 0, and {_NUM_PROCESSES} be their number. "
            f"Received: {number!r} and {of!r}."
        )
    if ":" not in os.environ.get(_ADDRESSES, ""):
        raise UserError(f"{_ADDRESSES} must be HOST:PORT of the first process.")
    on_sigterm = signal.getsignal(signal.SIGTERM)
    keras.distribution.initialize()
    signal.signal(signal.SIGTERM, on_sigterm)  # JAX would only make a note of it


def _options_of_this_process(arguments, folder):
    """Returns the options, of all but the first process with a copy of the run in that folder."""
    from jax.experimental import multihost_utils

    options = argparse.Namespace(**vars(arguments))
    if int(os.environ[_PROCESS_ID]) > 0:
        options.runs, options.overwrite = folder, False
        name = arguments.name or arguments.model
        if arguments.resume:
            if not (arguments.runs / name).is_dir():
                raise UserError(
                    f"There is no {arguments.runs / name} to resume. --runs must be a folder that "
                    "all machines share."
                )
            shutil.copytree(arguments.runs / name, folder / name)
    multihost_utils.sync_global_devices("copied")  # from here on, the first one may change it
    return options


def _tell_lost_process(error):
    import jax

    if not isinstance(error, jax.errors.JaxRuntimeError):
        traceback.print_exc()
        return 1
    reason = str(error).strip().splitlines()[0]
    return command_line.tell(
        LostProcessError(
            f"Another process of this training has ended, or cannot be reached ({reason}). "
            "Once all are started again, --resume goes on."
        )
    )


class LostProcessError(UserError):
    """Another process has ended; the command itself was valid."""

    status = 1
