"""What Ray Train runs on each machine of a training over several of them.

A process that trains, as `training.machines` has it. A worker of Ray Train cannot do so itself:
JAX ends the whole process when another one is lost, and Ctrl-C is for main threads. Nothing here
may import TensorFlow, which that process starts in its own way.
"""

import argparse
import contextlib
import os
import pathlib
import signal
import socket
import sys
import threading
import time

import child_processes
import command_line
import interrupts
import tensorflow_start
from errors import LostProcessError, UserError
from trained_nets import places
from training import first_checks

PROGRAM = "train.py"  # in front of its messages
_LAST_LINES = (f"{PROGRAM}: error: ", f"{PROGRAM}: interrupted")  # rather than a warning
# With which the first process ends by itself, and any because another one was lost.
_FINAL = (0, 1, UserError.status, 130)
CONSEQUENCES = (LostProcessError.status, -signal.SIGABRT)
_SECONDS_BETWEEN_LOOKS = 0.3
# A mistake that one process alone found ends the others, too: first its own reason must be heard.
_SECONDS_FOR_FIRST = 5.0
_SECONDS_FOR_OTHERS = 10.0


def work(config: dict):
    """Trains in a process of its own on one machine, and shows what the first of these prints.

    Args:
        config: `arguments` of train.py; `folder`, where the person is; `state`, the actor.

    Raises:
        RuntimeError: if a process was lost; Ray Train then starts all of them again.
    """
    import ray.train.collective

    folder, state = config["folder"], config["state"]
    number = ray.train.get_context().get_world_rank()
    is_first = number == 0
    begun = _begin(config["arguments"], folder, state) if is_first else None
    begun = ray.train.collective.broadcast_from_rank_zero(begun)
    if begun is None:
        return
    address, arguments, is_again = begun
    variables = {
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(config["arguments"].machines),
        "KERAS_DISTRIBUTION_PROCESS_ID": str(number),
    }
    process, receiving = child_processes.start_with_pipe(
        _train, arguments, is_again, folder, variables
    )
    threading.Thread(target=_end_in_time, args=(process, state, is_first), daemon=True).start()
    told = ""  # the line that says why it ended, if it does
    with open(receiving.fileno(), errors="backslashreplace", closefd=False) as lines:
        for line in map(str.rstrip, lines):
            if line.startswith(_LAST_LINES):
                told = line
            elif is_first:
                state.add_line.remote(line)
    process.join()
    _tell_end(process.exitcode, told, state, number)


def _begin(arguments, folder, state):
    """Decides for all processes how to begin.

    Returns:
        The address where they meet, their options, and whether this is not the first attempt; None
        if nothing is left to do.
    """
    import ray

    if ray.get(state.has_ended.remote()):
        return None
    run = pathlib.Path(folder, first_checks.path_of(arguments))
    attempt, is_new = ray.get(state.begin.remote(run.stat().st_ino if run.exists() else None))
    own = {"cluster": None, "machines": None}
    if attempt > 1 and (is_new or not arguments.overwrite) and places.is_begun(run):
        own |= {"resume": True, "overwrite": False}
    with socket.socket() as free:
        free.bind(("", 0))
        address = f"{ray.util.get_node_ip_address()}:{free.getsockname()[1]}"
    return address, argparse.Namespace(**vars(arguments) | own), attempt > 1


def _end_in_time(process, state, is_first):
    """Ends a process when the person stops the training, or when that has ended without it."""
    import ray

    is_told = not is_first  # the others end when the first one has saved
    with contextlib.suppress(ray.exceptions.RayError):  # the worker is about to end
        while not ray.get(state.has_ended.remote()):
            if not is_told and ray.get(state.is_stopped.remote()):
                process.terminate()
                is_told = True
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        process.kill()  # which may wait for others, and has nothing to save


def _tell_end(status, told, state, number):
    """Tells how a process ended, if that ends the training, or another process has not.

    Raises:
        RuntimeError: if it was lost.
    """
    import ray

    if number == 0:
        if status < 0 and ray.get(state.is_stopped.remote()):
            status = 130  # it was stopped before it could save
        if status in _FINAL:
            _end(status, told, state)
    deadline = time.monotonic() + (_SECONDS_FOR_FIRST if number else _SECONDS_FOR_OTHERS)
    if status < 0 and status not in CONSEQUENCES:  # killed
        deadline = 0.0
    while status and not ray.get(state.has_ended.remote()):
        if time.monotonic() < deadline:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        elif status == UserError.status:  # such as faces that are not on this machine
            _end(status, told, state)
        else:
            how = f"process {number} ended with status {status}"
            raise RuntimeError(how if status in CONSEQUENCES or not told else f"{how}: {told}")


def _end(status, told, state):
    import ray

    if told:
        state.add_line.remote(told)
    ray.get(state.end.remote(status))


def _train(arguments, is_again, folder, variables, sending):
    """Trains, in a process of its own, and exits with the status of train.py."""
    child_processes.end_with_parent()
    for descriptor in (1, 2):
        os.dup2(sending.fileno(), descriptor)
    sending.close()
    sys.stdout.reconfigure(line_buffering=True)
    sys.argv = [PROGRAM]
    os.environ |= variables
    command_line.run(lambda _: _trained(arguments, is_again, folder))


def _trained(arguments, is_again, folder):
    try:
        os.chdir(folder)
    except OSError as error:
        raise UserError(
            f"{folder}, where you are, is not there on all machines ({error.strerror}). Start from "
            "a folder that they share."
        ) from error
    interrupts.take()
    tensorflow_start.start_quietly()
    from trained_nets import run_lock
    from training import command

    patience = run_lock.SECONDS_OF_A_LOST_NODE_S_LOCK if is_again else 0.0
    return command.run(arguments, patience)
