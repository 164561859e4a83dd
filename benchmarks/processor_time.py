"""The time that a training takes: wall clock, and processor time by kind of process. Linux only."""

import dataclasses
import os
import pathlib
import shlex
import subprocess
import time
from typing import NamedTuple

from errors import FailedError

_TRAINERS = ("multiprocessing.spawn", "ray::train_on_node")  # in command lines
_SECONDS_BETWEEN_SAMPLES = 0.2  # one takes 5 ms, on the cores that are measured


class Times(NamedTuple):
    """Seconds.

    Attributes:
        wall_clock: from start to end.
        command: user and system time of the command's own process.
        trainers: of the processes that trained for it.
        others: of all others that this process has started, such as those of a Ray cluster.
    """

    wall_clock: float
    command: float
    trainers: float
    others: float

    @property
    def processor(self) -> float:
        """User and system time of all processes."""
        return self.command + self.trainers + self.others


def measure(command: list[str], folder: pathlib.Path, environment: dict[str, str]) -> Times:
    """Runs a command, and samples what it uses.

    Args:
        command: with its options; what it prints on stdout is discarded.
        folder: where it is run.
        environment: variables that are added to those of this process.

    Raises:
        FailedError: if its status is not 0.
    """
    first = {each.number: each.seconds for each in _descendants()}
    begun = time.perf_counter()
    running = subprocess.Popen(
        command, cwd=folder, env=os.environ | environment, stdout=subprocess.DEVNULL
    )
    last, trainers = {}, set()
    while running.poll() is None:
        for process in _descendants():
            last[process.number] = process.seconds
            if any(each in process.command for each in _TRAINERS):
                trainers.add(process.number)
        time.sleep(_SECONDS_BETWEEN_SAMPLES)
    wall_clock = time.perf_counter() - begun
    if running.returncode:
        raise FailedError(f"`{shlex.join(command)}` ended with status {running.returncode}.")
    used = {number: seconds - first.get(number, 0.0) for number, seconds in last.items()}
    of_command = used.pop(running.pid)
    of_trainers = sum(used.pop(number) for number in trainers)
    return Times(wall_clock, of_command, of_trainers, sum(used.values()))


@dataclasses.dataclass(frozen=True)
class _Process:
    """A process with its command line, and the processor seconds that it has used."""

    number: int
    parent: int
    command: str
    seconds: float


def _descendants() -> list[_Process]:
    """Returns the processes that this one has started, and those that they have."""
    processes = [each for each in map(_read, pathlib.Path("/proc").glob("[0-9]*")) if each]
    numbers, size = {os.getpid()}, 0
    while len(numbers) > size:
        size = len(numbers)
        numbers |= {each.number for each in processes if each.parent in numbers}
    return [each for each in processes if each.number in numbers - {os.getpid()}]


def _read(folder):
    """Reads a process's folder in /proc; None if it has ended."""
    try:
        fields = (folder / "stat").read_text().rpartition(") ")[2].split()
        command = (folder / "cmdline").read_text()
    except OSError:
        return None
    seconds = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    return _Process(int(folder.name), int(fields[1]), command, seconds)
