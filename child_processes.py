"""What the processes that train.py and predict.py start for their work have in common."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

_VARIABLE = "TF_NUM_INTRAOP_THREADS"  # which TensorFlow reads when it starts


def threads_each(processes: int) -> int:
    """Returns how many threads each process gets of the cores that this one may use."""
    return max(1, count_cores() // processes)


def count_cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_threads(threads: int):
    """Limits the threads of TensorFlow's operations in this process, unless the person does.

    Call it before TensorFlow starts.
    """
    os.environ.setdefault(_VARIABLE, str(threads))


def start_with_pipe(target: Callable, *arguments) -> tuple[BaseProcess, Connection]:
    """Starts a new interpreter that calls `target(*arguments, sending)`, where it may send.

    Returns:
        The process, and the end that receives; that ends, too, when the process does.
    """
    spawn = multiprocessing.get_context("spawn")
    receiving, sending = spawn.Pipe(duplex=False)
    process = spawn.Process(target=target, args=(*arguments, sending), daemon=True)
    process.start()
    sending.close()  # so that its end, when the process ends, is the last
    return process, receiving


def hide_ctrl_c():
    """Blocks Ctrl-C in a thread and the processes that it starts.

    The terminal sends it to all processes; the parent alone decides, and sends them SIGTERM.
    """
    if hasattr(signal, "pthread_sigmask"):
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # which the first process starts, and then unblocks it
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


@contextlib.contextmanager
def ctrl_c_hidden():
    """Does so while the block runs; what was pressed meanwhile comes when it ends."""
    hide_ctrl_c()
    try:
        yield
    finally:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def end_with_parent():
    """Ends this process when its parent has ended, or it would work on, unseen."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent():
    multiprocessing.parent_process().join()
    os._exit(1)
