"""Finds the faces of many pictures in several processes, each with a net of its own.

Each process has a pipe of its own: one that is killed while it writes into a queue of all would
leave the queue locked, and break a `ProcessPoolExecutor` for all others.
"""

import contextlib
import multiprocessing
import multiprocessing.connection
import time
from collections.abc import Callable, Iterator

import child_processes
from pictures import worker_process
from pictures.finder import Finder, Ready
from pictures.in_order import LostWorkerError, Sharing

_SECONDS_TO_END = 2.0


@contextlib.contextmanager
def in_processes(load: Callable[[], Finder], number: int) -> Iterator[Ready]:
    """Starts processes that load a finder each, and ends them with the block.

    Args:
        load: loads one; can be pickled, and imports TensorFlow only when called.
        number: of processes, which share the cores.

    Raises:
        UserError: if it cannot be loaded.
        EndedFinderError: here or in `find`, as `Sharing` has it.
    """
    with contextlib.ExitStack() as stack:
        pool = _Pool(load, child_processes.threads_each(number))
        stack.callback(_end, pool.workers)
        for _ in range(number):
            pool.workers.append(pool.start())
        sharing = Sharing(pool)
        yield Ready(sharing.about(), sharing.find)


class _Worker:
    """A process, as its parent sees it."""

    def __init__(self, load, threads):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=worker_process.main, args=(load, threads, theirs), daemon=True
        )
        with child_processes.ctrl_c_hidden():
            self.process.start()
        theirs.close()  # so that its end, when the process ends, is the last

    def send(self, batch):
        with contextlib.suppress(OSError):  # it has ended, which `receive` tells
            self.connection.send(batch)

    def receive(self):
        """Returns a message of the process, unless it is that it failed."""
        try:
            message = self.connection.recv()
        except (EOFError, OSError) as error:
            raise LostWorkerError from error
        if isinstance(message, worker_process.Failed):
            raise message.error()
        return message


class _Pool:
    """The processes of a run."""

    def __init__(self, load, threads):
        self.start = lambda: _Worker(load, threads)
        self.workers: list[_Worker] = []

    def replace(self, worker):
        _end([worker])
        new = self.workers[self.workers.index(worker)] = self.start()
        return new

    def wait(self, workers):
        by_connection = {worker.connection: worker for worker in workers}
        ready = multiprocessing.connection.wait(list(by_connection))
        return [by_connection[connection] for connection in ready]


def _end(workers):
    for worker in workers:
        worker.process.terminate()
    deadline = time.monotonic() + _SECONDS_TO_END
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
