"""Finds the faces of many pictures on a Ray cluster, where each process is an actor.

Ray's tasks import this file: nothing here may import TensorFlow before its threads are set.
"""

import contextlib
import os
from collections.abc import Callable, Iterator

import ray_connection
from errors import UserError
from pictures.finder import EndedFinderError, Finder, Ready
from pictures.in_order import LostWorkerError, Sharing
from pictures.worker_process import Failed


@contextlib.contextmanager
def on_cluster(
    load: Callable[[], Finder], address: str, processes: int | None = None
) -> Iterator[Ready]:
    """Loads a finder in each of several processes of a cluster, and ends them with the block.

    All nodes must find under the same paths what this machine does: the folder that the command
    runs in, the net, the pictures, and the folder for drawings. The pictures of a process that has
    ended, perhaps with its node, are given to another.

    Args:
        load: as for `in_processes`.
        address: of the cluster, as `ray_connection.connected` takes it.
        processes: None for one on each of the cluster's GPUs, or else of its cores.

    Raises:
        UserError: if a finder cannot be loaded, or as `connected`.
        EndedFinderError: here or in `find`, as `Sharing` has it.
    """
    ray_connection.require_ray()
    with ray_connection.connected(address) as (ray, node):
        pool = _Pool(ray, node, load, processes or ray_connection.places(ray))
        sharing = Sharing(pool)
        yield Ready(sharing.about(), sharing.find)


class _Pool:
    """The processes, as their driver sees them."""

    def __init__(self, ray, node, load, processes):
        self._ray, self._node = ray, node
        share = ray_connection.share(ray, processes)
        actor = ray.remote(_Actor).options(scheduling_strategy="SPREAD", **share)
        arguments = load, os.getcwd(), int(share["num_cpus"])
        self._start = lambda: _Worker(ray, actor.remote(*arguments))
        self.workers = [self._start() for _ in range(processes)]

    def wait(self, workers):
        calls = {worker.calls[0]: worker for worker in workers}
        try:
            return [calls[call] for call in self._node.wait(list(calls))]
        except ray_connection.LostNodeError as error:
            raise EndedFinderError(str(error)) from error

    def replace(self, worker):
        new = self.workers[self.workers.index(worker)] = self._start()
        return new


class _Worker:
    """One of them.

    Attributes:
        calls: what it has still to answer.
    """

    def __init__(self, ray, actor):
        self._ray, self._actor = ray, actor
        self.calls = [actor.about.remote()]

    def send(self, batch):
        self.calls.append(self._actor.find.remote(batch))

    def receive(self):
        try:
            message = self._ray.get(self.calls.pop(0))
        except self._ray.exceptions.RayError as error:
            if _is_final(self._ray.exceptions, error):
                raise
            raise LostWorkerError from error
        if isinstance(message, Failed):
            raise message.error()
        return message


def _is_final(exceptions, error):
    """Whether another process would fail as well, such as where a package is missing."""
    in_code = isinstance(error, exceptions.RayTaskError | exceptions.RuntimeEnvSetupError)
    return in_code or getattr(error, "actor_init_failed", False)


class _Actor:
    """The process itself."""

    def __init__(self, load, folder, threads):
        self._load, self._folder, self._threads = load, folder, threads

    def about(self):
        try:
            _enter(self._folder)
            ray_connection.start_quietly(self._threads)
            self._finder = self._load()
        except UserError as error:
            return Failed.of(error)
        return self._finder.about

    def find(self, batch):
        try:
            return self._finder(batch)
        except UserError as error:
            return Failed.of(error)


def _enter(folder):
    try:
        os.chdir(folder)
    except OSError as error:
        raise UserError(
            f"A node of the cluster cannot enter {folder}: {error.strerror or error}. Start the "
            "command in a folder that all nodes share, where the pictures and the net are."
        ) from error
