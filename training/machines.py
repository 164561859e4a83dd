"""One training over several machines: one process on each, as `KERAS_DISTRIBUTION_*` say.

All processes run the same command and take the same steps. The first one prints and saves; each of
the others writes into a temporary folder of its own, so that none reads what another is writing.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable

import keras

import command_line
from errors import LostProcessError, UserError, first_line
from training import distribution
from training.plan import check_folder, run_of

_NUM_PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"
_PROCESS_ID = "KERAS_DISTRIBUTION_PROCESS_ID"
_ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
_SECONDS_FOR_OTHERS = 2
_OWN = "run"  # what the others call their run, for --name may be a path


def run(arguments, train: Callable[[argparse.Namespace], int]) -> int:
    """Calls `train` with the options, after joining the other processes, if there are any.

    If there are, a failure ends this process at once: JAX would first wait for the others, and then
    report that as a second failure. When the first process ends, JAX aborts the others; so it gives
    them time to say themselves why they end.

    Args:
        arguments: as `training.arguments.parse_arguments` returns them.
        train: returns the exit status.

    Raises:
        UserError: of a training in one process, or if the variables or options cannot be.
    """
    given = [name for name in (_ADDRESSES, _NUM_PROCESSES, _PROCESS_ID) if name in os.environ]
    if not given or os.environ.get(_NUM_PROCESSES) == "1":
        return train(arguments)
    _check(arguments)
    try:
        _join()
        with tempfile.TemporaryDirectory(prefix="facial-keypoints-") as folder, losses_told():
            status = train(_options_of_this_process(arguments, pathlib.Path(folder)))
    except (UserError, KeyboardInterrupt) as error:
        status = command_line.tell(error)
    except Exception:
        traceback.print_exc()
        status = 1
    if status:
        sys.stdout.flush()
        sys.stderr.flush()
        if _is_first():
            time.sleep(_SECONDS_FOR_OTHERS)
        os._exit(status)
    return status


@contextlib.contextmanager
def losses_told():
    """Turns the error with which JAX notices that another process has ended into a clear one.

    Raises:
        LostProcessError: if that comes in the block.
    """
    try:
        yield
    except Exception as error:
        if not _is_of_lost_process(error):
            raise
        raise LostProcessError(
            "Another process of this training has ended, or cannot be reached "
            f"({first_line(error)}). Once all are started again, --resume goes on."
        ) from error


def _is_of_lost_process(error):
    if keras.backend.backend() != "jax":
        return False
    import jax

    if jax.process_count() == 1:
        return False
    # Some come as a ValueError; both begin with XLA's code, such as "UNAVAILABLE: ".
    is_of_xla = isinstance(error, jax.errors.JaxRuntimeError | ValueError)
    code = re.match("([A-Z_]+): ", str(error))
    return is_of_xla and code is not None and code[1] != "RESOURCE_EXHAUSTED"


def _is_first():
    return os.environ.get(_PROCESS_ID) == "0"


def _check(arguments):
    if keras.backend.backend() != "jax":
        raise UserError(
            "KERAS_DISTRIBUTION_* ask for several processes, and these need JAX. Set "
            "KERAS_BACKEND=jax (pip install -e '.[jax]'), or unset them."
        )
    if (arguments.jobs or 1) > 1 or arguments.cluster:
        raise UserError(
            "KERAS_DISTRIBUTION_* are for one training over several machines. Unset them, or leave "
            "out --jobs and --cluster."
        )
    number, of = (os.environ.get(each, "") for each in (_PROCESS_ID, _NUM_PROCESSES))
    if not (number.isdigit() and of.isdigit() and int(number) < int(of)):
        raise UserError(
            f"{_PROCESS_ID} must count the processes from 0, and {_NUM_PROCESSES} be their number. "
            f"Received: {number!r} and {of!r}."
        )
    if ":" not in os.environ.get(_ADDRESSES, ""):
        raise UserError(f"{_ADDRESSES} must be HOST:PORT of the first process.")


def _join():
    on_sigterm = signal.getsignal(signal.SIGTERM)
    keras.distribution.initialize()
    signal.signal(signal.SIGTERM, on_sigterm)  # JAX only takes note of it


def _options_of_this_process(arguments, folder):
    """Returns the options, of all but the first process with a copy of the run in that folder.

    Raises:
        UserError: in all processes, if the first one refuses the run folder.
    """
    run, refusal = run_of(arguments), None
    options = argparse.Namespace(**vars(arguments) | {"jobs": 1})
    if _is_first():
        try:
            check_folder(run, arguments)
        except UserError as error:
            refusal = error
    else:
        options.runs, options.name, options.overwrite = folder, _OWN, False
        if arguments.resume and run.path.is_dir():
            shutil.copytree(run.path, folder / _OWN)
    if distribution.is_so_in_first_process(refusal is not None):
        raise refusal or UserError("The first process refuses the run folder, and says why.")
    # By now all have copied what there is, and the first process may change it.
    if arguments.resume and not run_of(options).path.is_dir():
        raise UserError(
            f"--resume needs {run.path} on all machines; it is not on this one. Choose --runs on "
            "storage that they share."
        )
    return options
