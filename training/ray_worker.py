"""What Ray Train runs on each machine of a training over several of them.

A process that trains, as `training.machines` has it. A worker of Ray Train cannot do so itself:
JAX ends the whole process when another one is lost, and Ctrl-C is for main threads. Nothing here
may import TensorFlow, which that process starts in its own way.
"""

import argparse
import contextlib
import multiprocessing
import os
import pathlib
import socket
import sys
import threading
import time

import child_processes
import command_line
import tensorflow_start
from errors import UserError
from trained_nets import places
from training import first_checks

PROGRAM = "train.py"  # in front of its messages
_FINAL = (0, 1, 2, 130)  # with which a training ends by itself, rather than with another process
_SECONDS_BETWEEN_LOOKS = 0.3
_SECONDS_FOR_FIRST = 5.0  # to say how it ended, before another process that ended with it does


class Course:
    """What the workers and the person's process know of each other, as an actor of Ray."""

    def __init__(self):
        self._lines, self._tries, self._status = [], 0, None
        self._is_running = self._is_stopped = False

    def begin(self):
        """Tells that the training starts; returns how often it did."""
        self._tries += 1
        self._is_running = True
        return self._tries

    def add_line(self, line):
        self._lines.append(line)

    def taken_lines(self):
        lines, self._lines = self._lines, []
        return lines

    def stop(self):
        """Asks the first process to save and end; returns whether it is there to do so."""
        self._is_stopped = True
        return self._is_running

    def is_stopped(self):
        return self._is_stopped

    def lose(self):
        """Tells that a process was lost."""
        self._is_running = False

    def end(self, status):
        """Tells with which status the first process ended for good."""
        self._is_running, self._status = False, status

    def ended(self):
        """Whether it did."""
        return self._status is not None

    def status(self):
        """Returns that status; None if it did not end."""
        return self._status


def work(config):
    """What Ray Train runs on each machine: trains in a process of its own, and shows its lines.

    Raises:
        RuntimeError: if a process was lost; Ray Train then starts all of them again.
    """
    import ray.train.collective

    arguments, folder, course = config["arguments"], config["folder"], config["course"]
    number = ray.train.get_context().get_world_rank()
    is_first = number == 0
    start = _start(arguments, folder, course) if is_first else None
    address, arguments = ray.train.collective.broadcast_from_rank_zero(start)
    variables = {
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": address,
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(config["machines"]),
        "KERAS_DISTRIBUTION_PROCESS_ID": str(number),
    }
    spawn = multiprocessing.get_context("spawn")
    receiving, sending = spawn.Pipe(duplex=False)
    process = spawn.Process(
        target=_train, args=(arguments, folder, variables, sending), daemon=True
    )
    process.start()
    sending.close()  # so that its end, when the process ends, is the last
    is_to_end = course.is_stopped if is_first else course.ended
    threading.Thread(target=_end_when, args=(is_to_end, process), daemon=True).start()
    error = ""
    with open(receiving.fileno(), errors="backslashreplace", closefd=False) as lines:
        for line in map(str.rstrip, lines):
            if line.startswith(PROGRAM):
                error = f": {line}"
            if is_first:
                course.add_line.remote(line)
    process.join()
    reason = f"process {number} ended with status {process.exitcode}{error}"
    _tell_end(process.exitcode, course, is_first, reason)


def _start(arguments, folder, course):
    """Returns where all processes meet, and their options: those of the person, or to resume."""
    import ray

    tries = ray.get(course.begin.remote())
    run = pathlib.Path(folder, first_checks.path_of(arguments))
    own = {"cluster": None, "machines": None}
    if tries > 1 and places.is_begun(run):
        own |= {"resume": True, "overwrite": False}
    with socket.socket() as free:
        free.bind(("", 0))
        address = f"{ray.util.get_node_ip_address()}:{free.getsockname()[1]}"
    return address, argparse.Namespace(**vars(arguments) | own)


def _end_when(is_so, process):
    import ray

    with contextlib.suppress(ray.exceptions.RayError):  # the worker is about to end
        while not ray.get(is_so.remote()):
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        process.terminate()


def _tell_end(status, course, is_first, reason):
    import ray

    if is_first:
        if status < 0 and ray.get(course.is_stopped.remote()):
            status = 130  # it had not begun
        if status in _FINAL:
            ray.get(course.end.remote(status))
            return
    deadline = time.monotonic() + (0 if is_first else _SECONDS_FOR_FIRST)
    while status and not ray.get(course.ended.remote()):
        if time.monotonic() >= deadline:
            raise RuntimeError(reason)
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _train(arguments, folder, variables, sending):
    """Trains, in a process of its own, and exits with the status of train.py."""
    child_processes.end_with_parent()
    for descriptor in (1, 2):
        os.dup2(sending.fileno(), descriptor)
    sending.close()
    sys.stdout.reconfigure(line_buffering=True)
    sys.argv = [PROGRAM]
    os.environ |= variables
    command_line.run(lambda _: _trained(arguments, folder))


def _trained(arguments, folder):
    try:
        os.chdir(folder)
    except OSError as error:
        raise UserError(
            f"{folder}, where you are, is not there on all machines ({error.strerror}). Start from "
            "a folder that they share."
        ) from error
    command_line.take_sigterm_for_ctrl_c()
    tensorflow_start.start_quietly()
    from training import command

    return command.run(arguments)
