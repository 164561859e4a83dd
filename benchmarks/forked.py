"""Runs work in forked processes and kills them: TensorFlow is imported once, not for each.

A fork is safe while the process has one thread, that is, before TensorFlow's runtime has started.
Importing TensorFlow and listing its devices does not start it; any tensor does.
"""

import dataclasses
import os
import pathlib
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable

BROKEN = 70  # exit status of work that raised an exception


@dataclasses.dataclass(frozen=True)
class Kill:
    """When a process is killed: at a moment, or before one of its file operations.

    Attributes:
        seconds: after its start; None for a file operation.
        operation: its number, counted from 1; None for a moment.
        by: the signal.
    """

    seconds: float | None = None
    operation: int | None = None
    by: signal.Signals = signal.SIGKILL


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        status: its exit status; negative for the signal that killed it.
        seconds: from start to end.
        operations: how many file operations it made, if it was not killed.
        seconds_after_signal: of processor time, from a signal by `seconds` to the end.
    """

    status: int
    seconds: float
    operations: int
    seconds_after_signal: float

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Forks:
    """Forks processes that work in one folder.

    Args:
        folder: where file operations count; `log` in it has what the last process printed.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.log = folder / "log"

    def run(self, work: Callable[[], int | None], kill: Kill | None = None) -> Ended:
        """Runs `work` in a process of its own; waits until it has ended or was killed.

        Raises:
            RuntimeError: if there are other threads, or the work raised an exception.
        """
        if len(os.listdir("/proc/self/task")) > 1:
            raise RuntimeError("A process with threads must not fork.")
        kill = kill or Kill()
        counted, write_count = os.pipe()
        began = time.monotonic()
        process = os.fork()
        if not process:
            os._exit(self._work(work, kill, write_count))
        os.close(write_count)
        processor_time = self._wait_to_signal(process, kill, began)
        _, status, usage = os.wait4(process, 0)
        with os.fdopen(counted) as pipe:
            operations = int(pipe.read() or 0)
        ended = Ended(
            os.waitstatus_to_exitcode(status),
            time.monotonic() - began,
            operations,
            usage.ru_utime + usage.ru_stime - processor_time,
        )
        if ended.status == BROKEN:
            raise RuntimeError(self.log.read_text())
        return ended

    def _work(self, work, kill, write_count):
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        count = _kill_at_operation(self.folder, kill)
        try:
            status = work() or 0
        except SystemExit as stop:
            status = stop.code or 0
        except BaseException:
            traceback.print_exc()
            status = BROKEN
        sys.stdout.flush()
        sys.stderr.flush()
        os.write(write_count, str(count()).encode())
        return status

    def _wait_to_signal(self, process, kill, began):
        """Returns the processor time until the signal; 0 if there was none."""
        if kill.seconds is None:
            return 0.0
        while time.monotonic() < began + kill.seconds:
            if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return 0.0
            time.sleep(0.001)
        fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        os.kill(process, kill.by)
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _kill_at_operation(folder, kill):
    """Installs a hook that counts file operations in a folder; returns what gives the number."""
    done = 0
    operations = {"open", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}
    inside = f"{folder}{os.sep}"

    def hook(event, arguments):
        nonlocal done
        if event in operations and str(arguments[0]).startswith(inside):
            done += 1
            if done == kill.operation:
                os.kill(os.getpid(), kill.by)

    sys.addaudithook(hook)
    return lambda: done


class Kills:
    """Random kills, one after another: at a moment and at a file operation in turn.

    Args:
        number: how many kills to give.
        random: decides.
    """

    def __init__(self, number: int, random: random.Random):
        self.left, self.random = number, random
        self.survived = 0

    def next(self, undisturbed: Ended, share: float = 1.0) -> Kill | None:
        """Returns a kill within the first part of an undisturbed run; None if all are used up."""
        if not self.left:
            return None
        if self.left % 2:
            return Kill(seconds=self.random.uniform(0, share * undisturbed.seconds))
        last = max(1, round(share * undisturbed.operations))
        return Kill(operation=self.random.randint(1, last))

    def count(self, ended: Ended):
        """Counts a kill that came before the end."""
        self.left -= ended.was_killed
        self.survived += ended.was_killed
