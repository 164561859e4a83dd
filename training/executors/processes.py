"""Trains several nets at a time, each in a process of its own on this machine.

Threads of a `concurrent.futures` pool each watch one process. The processes are not in a pool: one
that is killed would break a `ProcessPoolExecutor`, which then ends all others, and hang a
`multiprocessing.Pool`. Each has its own pipe for the same reason: a process that is killed while it
writes into a queue of all leaves the queue locked.
"""

import concurrent.futures
import multiprocessing
import os
import pathlib
import pickle
import queue
import tempfile
import threading

import child_processes
from training.executors import mapped_arrays, worker_process
from training.executors.parallel import KILLED_TWICE, End

_STOPPED = worker_process.Ended(None)  # before it began


class Processes:
    """Trains in processes.

    Args:
        number: how many at a time.
        gpus: the names of those of this machine; if there are any, each process gets one.
    """

    def __init__(self, number: int, gpus: list[str]):
        self._number = min(number, len(gpus)) if gpus else number
        if gpus:  # else this process would fill one that a training needs
            os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
        self._free_gpus = queue.SimpleQueue()
        for gpu in gpus or [None] * number:
            self._free_gpus.put(gpu)
        self._threads_each = child_processes.threads_each(self._number)
        self._lock = threading.Lock()  # of the two below
        self._running = set()
        self._is_stopping = False

    def run(self, shipment, jobs, show) -> End:
        """Trains nets, as `Way` has it; a second Ctrl-C kills the processes at once."""
        with (
            tempfile.TemporaryDirectory(prefix="facial-keypoints-") as folder,
            concurrent.futures.ThreadPoolExecutor(
                self._number, initializer=child_processes.hide_ctrl_c
            ) as threads,
        ):
            futures, interrupted = {}, False
            try:
                mapped = mapped_arrays.store(shipment, pathlib.Path(folder))
                for job in jobs:
                    futures[job.name] = threads.submit(self._train, mapped, job, show)
                concurrent.futures.wait(futures.values())
            except KeyboardInterrupt:
                interrupted = True
                self._stop(multiprocessing.Process.terminate)
                try:
                    concurrent.futures.wait(futures.values())
                except KeyboardInterrupt:
                    self._stop(multiprocessing.Process.kill)
                    raise
        reasons = {name: future.result() for name, future in futures.items()}
        return End({name: reason for name, reason in reasons.items() if reason}, interrupted)

    def _stop(self, end):
        with self._lock:
            self._is_stopping = True
            for process in self._running:
                end(process)

    def _train(self, mapped, job, show):
        """Trains a net, at the second attempt if the first is killed; returns why it failed."""
        gpu = self._free_gpus.get()
        try:
            order = worker_process.Order(
                pickle.dumps(job.make),
                job.title,
                mapped,
                job.task.run.log_file.absolute(),
                self._threads_each,
                gpu,
            )
            ended = self._work(order, job.name, show)
            if ended is None and not self._is_stopping:
                show(job.name, "Its process was killed; a new one goes on.")
                ended = self._work(order, job.name, show)
            if ended is None and not self._is_stopping:
                return KILLED_TWICE
            return ended.failure if ended else None
        finally:
            self._free_gpus.put(gpu)

    def _work(self, order, name, show):
        """Starts a process and shows its lines; returns how it ended, None if it was killed."""
        with self._lock:
            if self._is_stopping:
                return _STOPPED
            process, receiving = child_processes.start_with_pipe(worker_process.main, order)
            self._running.add(process)
        ended = None
        try:
            while ended is None:
                message = receiving.recv()
                if isinstance(message, worker_process.Ended):
                    ended = message
                else:
                    show(name, message)
        except (EOFError, OSError):
            pass
        finally:
            receiving.close()
            process.join()
            with self._lock:
                self._running.discard(process)
        return ended


def gpu_names(number: int) -> list[str]:
    """Returns what CUDA calls the GPUs that this process sees, of which there are `number`."""
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    return names.split(",")[:number] if names else [str(each) for each in range(number)]
