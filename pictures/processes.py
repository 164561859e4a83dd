"""Finds the faces of many pictures in several processes, each with a net of its own.

Each process has a pipe of its own: one that is killed while it writes into a queue of all would
leave the queue locked, and break a `ProcessPoolExecutor` for all others.
"""

import contextlib
import dataclasses
import multiprocessing
import multiprocessing.connection
import time
from collections.abc import Callable, Iterable, Iterator

import child_processes
from errors import UserError
from pictures import worker_process
from pictures.finder import About, Batch, Finder, Ready
from pictures.records import PictureFaces

_AHEAD = 4  # batches for each process, found or in work, while an earlier one is missing
_SECONDS_TO_END = 2.0


class KilledProcessError(UserError):
    """A process was killed; the command itself was valid."""

    status = 1


@contextlib.contextmanager
def in_processes(load: Callable[[], Finder], number: int) -> Iterator[Ready]:
    """Starts processes that load a finder each, and ends them with the block.

    Args:
        load: loads one; can be pickled, and imports TensorFlow only when called.
        number: of processes, which share the cores.

    Raises:
        UserError: if it cannot be loaded.
        KilledProcessError: if a process was killed, here or in `find`.
    """
    threads = child_processes.threads_each(number)
    with contextlib.ExitStack() as stack:
        workers = []
        stack.callback(_end, workers)
        for _ in range(number):
            workers.append(_Worker(load, threads))
        first = workers[0].receive()
        yield Ready(first, lambda batches: _find(workers, batches, first.settings))


class _Worker:
    """A process, as its parent sees it."""

    def __init__(self, load, threads):
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._position = context.RawValue("l", 0)
        self.process = context.Process(
            target=worker_process.main, args=(load, threads, self._position, theirs), daemon=True
        )
        with child_processes.ctrl_c_hidden():
            self.process.start()
        theirs.close()  # so that its end, when the process ends, is the last
        self._batch = None

    def send(self, batch):
        self._batch, self._position.value = batch, 0
        with self._killed_told():
            self.connection.send(batch)

    def receive(self):
        """Returns a message of the process, unless it is that it failed."""
        with self._killed_told():
            message = self.connection.recv()
        if not isinstance(message, worker_process.Failed):
            return message
        if message.status is None:
            raise RuntimeError(f"A process failed:\n{message.message}")
        error = UserError(message.message)
        error.status = message.status
        raise error

    @contextlib.contextmanager
    def _killed_told(self):
        try:
            yield
        except (EOFError, OSError) as error:
            self.process.join(_SECONDS_TO_END)
            at = f" at {self._batch.paths[self._position.value]}" if self._batch else ""
            raise KilledProcessError(
                f"A process was killed{at}, perhaps for lack of memory (exit code "
                f"{self.process.exitcode})."
            ) from error


@dataclasses.dataclass
class _Found:
    """What has been found while an earlier batch is missing."""

    by_number: dict
    next: int = 0

    def in_order(self):
        while self.next in self.by_number:
            yield self.by_number.pop(self.next)
            self.next += 1


def _find(workers, batches: Iterable[Batch], settings) -> Iterator[list[PictureFaces]]:
    left = enumerate(batches)
    idle, numbers, found = list(workers), {}, _Found({})
    while True:
        while idle and len(numbers) + len(found.by_number) < _AHEAD * len(workers):
            number, batch = next(left, (None, None))
            if batch is None:
                break
            worker = idle.pop(0)  # at first the one that has loaded its net
            numbers[worker.connection] = number, worker
            worker.send(batch)
        if not numbers:
            return
        for connection in multiprocessing.connection.wait(list(numbers)):
            number, worker = numbers[connection]
            message = worker.receive()
            if isinstance(message, About):
                if message.settings != settings:
                    raise UserError("The net has changed since the first process loaded it.")
                continue
            found.by_number[number] = message
            del numbers[connection]
            idle.append(worker)
        yield from found.in_order()


def _end(workers):
    for worker in workers:
        worker.process.terminate()
    deadline = time.monotonic() + _SECONDS_TO_END
    for worker in workers:
        worker.process.join(max(0.0, deadline - time.monotonic()))
        worker.process.kill()
        worker.process.join()
        worker.connection.close()
