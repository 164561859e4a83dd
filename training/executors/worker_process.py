"""A process that trains one net. Nothing here may import TensorFlow before its threads are set."""

import dataclasses
import os
import pathlib
import pickle
import signal
from multiprocessing.connection import Connection

import child_processes
import interrupts
import tensorflow_start
from training.executors import mapped_arrays


@dataclasses.dataclass(frozen=True)
class Order:
    """What to train.

    Attributes:
        pickled_make: makes the task from that of the whole run; pickled, for it needs TensorFlow.
        title: the line above its epochs.
        shipment: the whole run's task.
        log_file: where all that it prints goes.
        threads: how many TensorFlow may use.
        gpu: the name of the one to use; None for all that there are.
    """

    pickled_make: bytes
    title: str
    shipment: mapped_arrays.Mapped
    log_file: pathlib.Path
    threads: int
    gpu: str | None


@dataclasses.dataclass(frozen=True)
class Ended:
    """The last message of a worker, with the reason if it failed; all others are lines."""

    failure: str | None


def main(order: Order, connection: Connection):
    """Trains, and sends what it prints and how it ended."""
    child_processes.end_with_parent()  # beside the trainings of a resumed run
    child_processes.limit_threads(order.threads)
    if order.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = order.gpu
    tensorflow_start.start_quietly()
    from training.executors import trainer

    make, shipment = pickle.loads(order.pickled_make), mapped_arrays.load(order.shipment)
    # Until here, SIGTERM just ends the process: there is nothing to save.
    signal.signal(signal.SIGTERM, _interrupt_once)
    failure = trainer.train(make, order.title, shipment, order.log_file, connection.send)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    connection.send(Ended(failure))


def _interrupt_once(number, frame):
    """A service manager sends SIGTERM to all processes, and then the parent does so again."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    interrupts.interrupt(number, frame)
