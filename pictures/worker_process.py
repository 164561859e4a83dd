"""A process that finds faces. Nothing here may import TensorFlow before its threads are set."""

import dataclasses
import os
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

import child_processes
from errors import UserError
from pictures.finder import Finder


@dataclasses.dataclass(frozen=True)
class Failed:
    """The last message of a worker that cannot go on.

    Attributes:
        message: of a `UserError`; else a traceback.
        status: for the exit; None for a bug.
    """

    message: str
    status: int | None

    @classmethod
    def of(cls, error: UserError) -> "Failed":
        """Tells what a person did wrong."""
        return cls(str(error), error.status)

    def error(self) -> Exception:
        """Returns what to raise for it elsewhere."""
        if self.status is None:
            return RuntimeError(f"A process failed:\n{self.message}")
        error = UserError(self.message)
        error.status = self.status
        return error


def main(load: Callable[[], Finder], threads: int, connection: Connection):
    """Sends what there is to know about its finder, then what is found in each batch received.

    Args:
        load: loads a finder.
        threads: how many TensorFlow may use.
        connection: to the parent.
    """
    child_processes.end_with_parent()
    child_processes.limit_threads(threads)
    # Several processes may share a GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which removes unfinished drawings
    try:
        _answer(load, connection)
    except (EOFError, BrokenPipeError):  # the parent has ended
        pass
    except UserError as error:
        connection.send(Failed.of(error))
    except Exception:
        connection.send(Failed(traceback.format_exc(), None))


def _answer(load, connection):
    finder = load()
    connection.send(finder.about)
    while True:
        connection.send(finder(connection.recv()))
