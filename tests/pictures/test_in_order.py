"""Batches are shared out among workers, lost ones included, and come back in their order."""

import itertools
import pathlib
import random

import pytest

from errors import UserError
from pictures.finder import About, Batch, EndedFinderError
from pictures.in_order import LostWorkerError, Sharing
from pictures.records import PictureFaces


class Worker:
    """Answers with a batch's paths; ends when it sees one of `deadly`, or before it has loaded."""

    def __init__(self, deadly=(), settings="same", ends_in_loading=False):
        self._messages = [LostWorkerError() if ends_in_loading else About(settings, {}, 1)]
        self._deadly = set(map(pathlib.Path, deadly))

    def send(self, batch):
        deadly = self._deadly & set(batch.paths)
        self._messages.append(LostWorkerError() if deadly else list(batch.paths))

    def receive(self):
        message = self._messages.pop(0)
        if isinstance(message, Exception):
            raise message
        return message


class Pool:
    """Hears of any worker first."""

    def __init__(self, workers, spare=()):
        self.workers, self.spare = list(workers), list(spare)
        self._random = random.Random(0)

    def wait(self, workers):
        return self._random.sample(workers, 1)

    def replace(self, worker):
        self.workers.remove(worker)
        self.workers.append(self.spare.pop(0))
        return self.workers[-1]


def paths_found(pool, batches=20, size=1):
    """What is found in batches of some pictures, which are the numbers from 0."""
    paths = [pathlib.Path(str(number)) for number in range(batches * size)]
    sharing = Sharing(pool)
    sharing.about()
    found = sharing.find(
        Batch(paths[first : first + size]) for first in range(0, batches * size, size)
    )
    return [
        str(each) if isinstance(each, PictureFaces) else int(str(each))
        for each in itertools.chain.from_iterable(found)
    ]


def test_all_batches_come_back_in_order():
    assert paths_found(Pool([Worker(), Worker(), Worker()])) == list(range(20))
    assert paths_found(Pool([Worker(), Worker()]), batches=0) == []


def test_a_lost_worker_s_batch_is_given_to_another():
    pool = Pool([Worker("7"), Worker("7")], [Worker(), Worker()])
    assert paths_found(pool) == list(range(20))
    assert len(pool.spare) < 2


def test_a_picture_that_costs_every_worker_is_skipped_alone():
    pool = Pool([Worker("7"), Worker("7")], [Worker("7") for _ in range(5)])
    found = paths_found(pool, batches=5, size=4)
    assert "7 ended each process that tried to read it" in found.pop(7)
    assert found == [*range(7), *range(8, 20)]
    assert not pool.spare  # three for the batch, two for the picture


def test_many_such_pictures_end_the_run():
    deadly = [str(number) for number in range(5, 40)]
    pool = Pool([Worker(deadly), Worker(deadly)], [Worker(deadly) for _ in range(100)])
    with pytest.raises(EndedFinderError, match="at each of 10 pictures.*the last is 14"):
        paths_found(pool, batches=40)


def test_workers_that_never_load_end_the_run():
    broken = [Worker(ends_in_loading=True) for _ in range(6)]
    with pytest.raises(EndedFinderError, match="3 processes have ended while they loaded"):
        paths_found(Pool([Worker(), broken[0]], broken[1:]))


def test_a_lost_node_with_many_workers_ends_nothing():
    lost = [Worker(ends_in_loading=True) for _ in range(4)]
    assert paths_found(Pool([Worker(), *lost], [Worker() for _ in lost])) == list(range(20))


def test_a_worker_with_another_net_is_refused():
    with pytest.raises(UserError, match="The net has changed"):
        paths_found(Pool([Worker(), Worker(settings="other")]))
