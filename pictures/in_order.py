"""Shares batches of pictures out among workers, and gives what they find in the batches' order."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import command_line
from errors import UserError
from pictures.finder import About, Batch, EndedFinderError
from pictures.records import PictureFaces

_AHEAD = 4  # batches for each worker, found or in work, while an earlier one is missing
# Of a batch whose worker is lost; then each of its pictures is tried alone, one time less. Also of
# loading a net, in a row.
_TRIES = 3
_MOST_SKIPPED = 10  # so many pictures are hardly the reason themselves


class LostWorkerError(Exception):
    """A worker has ended; another may do what it was asked for."""


class Worker(Protocol):
    """A process with a finder."""

    def send(self, batch: Batch):
        """Asks it for a batch's faces."""

    def receive(self) -> About | list[PictureFaces]:
        """Returns its next message: first what there is to know about its finder, then faces.

        Raises:
            UserError: if it failed.
            LostWorkerError: if it has ended.
        """


class Pool(Protocol):
    """The workers of a run.

    Attributes:
        workers: all of them.
    """

    workers: Sequence[Worker]

    def wait(self, workers: Sequence[Worker]) -> Sequence[Worker]:
        """Waits until some of these have a message; returns them."""

    def replace(self, worker: Worker) -> Worker:
        """Starts another for one that is lost."""


@dataclasses.dataclass(eq=False)
class _Task:
    """A batch, or one of its pictures.

    Attributes:
        number: of the batch.
        batch: what to find.
        place: of its first picture in the batch.
        lost: how many workers it has cost.
    """

    number: int
    batch: Batch
    place: int = 0
    lost: int = 0

    def alone(self) -> Iterator["_Task"]:
        """Yields a task for each picture."""
        for place, _ in enumerate(self.batch.paths):
            only = slice(place, place + 1)
            batch = Batch(self.batch.paths[only], self.batch.drawings[only])
            yield _Task(self.number, batch, place, lost=1)


class Sharing:
    """Finds faces by means of a pool's workers.

    A picture that costs one worker after the other has an error, as one that cannot be read.
    """

    def __init__(self, pool: Pool):
        self._pool = pool
        # With their tasks; None while they load their finder.
        self._busy: dict[Worker, _Task | None] = dict.fromkeys(pool.workers)
        self._idle: list[Worker] = []
        self._again: list[_Task] = []
        self._found, self._next = {}, 0
        self._alone: dict[int, list[PictureFaces | None]] = {}  # of batches with a lost worker
        self._skipped = 0
        self._losses: dict[Worker, int] = {}  # in loading, of it and those that it replaces
        self._about: About | None = None

    def about(self) -> About:
        """Waits until a worker has loaded its finder, which those of all others must equal.

        Raises:
            UserError: as `Worker.receive`.
            EndedFinderError: if one worker after the other ends meanwhile.
        """
        while not self._about:
            self._wait()
        return self._about

    def find(self, batches: Iterable[Batch]) -> Iterator[list[PictureFaces]]:
        """Finds faces; takes a batch when there is a worker for it.

        Raises:
            UserError: as `Worker.receive`.
            EndedFinderError: if loading a finder, or many a picture, costs one worker after the
                other.
        """
        self._left = (_Task(*each) for each in enumerate(batches))
        self._are_all_taken = False
        while True:
            self._share_out()
            if self._are_all_taken and not (self._again or any(self._busy.values())):
                return
            self._wait()
            while self._next in self._found:
                yield self._found.pop(self._next)
                self._next += 1

    def _wait(self):
        for worker in self._pool.wait(list(self._busy)):
            self._receive(worker)

    def _share_out(self):
        while self._idle and (task := self._task()):
            worker = self._idle.pop(0)
            self._busy[worker] = task
            worker.send(task.batch)

    def _task(self):
        if self._again:
            return self._again.pop()
        in_work = sum(task is not None for task in self._busy.values())
        if in_work + len(self._found) >= _AHEAD * len(self._pool.workers):
            return None
        task = next(self._left, None)
        self._are_all_taken = task is None
        return task

    def _receive(self, worker):
        task = self._busy.pop(worker)
        try:
            message = worker.receive()
        except LostWorkerError as error:
            losses = 0 if task else self._count_loss(worker, error)
            if task:
                self._try_again(task, error)
            replacement = self._pool.replace(worker)
            self._busy[replacement], self._losses[replacement] = None, losses
            return
        self._idle.append(worker)
        if task:
            self._keep(task, message)
            return
        self._losses.pop(worker, None)
        self._about = self._about or message
        if message.settings != self._about.settings:
            raise UserError("The net has changed since the first process loaded it.")

    def _try_again(self, task, error):
        task.lost += 1
        if task.lost < _TRIES:
            self._again.append(task)
        elif len(task.batch.paths) > 1:
            self._alone[task.number] = [None] * len(task.batch.paths)
            self._again += reversed(list(task.alone()))
        else:
            self._skip(task, error)

    def _skip(self, task, error):
        (path,) = task.batch.paths
        self._skipped += 1
        if self._skipped == _MOST_SKIPPED:
            raise EndedFinderError(
                f"One process after the other has ended at each of {_MOST_SKIPPED} pictures, "
                f"perhaps for lack of memory; the last is {path}."
            ) from error
        told = command_line.writable(str(path))
        why = f"{told} ended each process that tried to read it, perhaps for lack of memory"
        self._keep(task, [PictureFaces(path, None, [], why)])

    def _keep(self, task, found):
        if task.number not in self._alone:
            self._found[task.number] = found
            return
        of_batch = self._alone[task.number]
        (of_batch[task.place],) = found
        if None not in of_batch:
            self._found[task.number] = self._alone.pop(task.number)

    def _count_loss(self, worker, error):
        losses = self._losses.pop(worker, 0) + 1
        if losses == _TRIES:
            raise EndedFinderError(
                f"{_TRIES} processes have ended while they loaded the net, perhaps for lack of "
                "memory."
            ) from error
        return losses
