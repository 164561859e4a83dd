"""A task of a Ray cluster that trains one net; it starts TensorFlow, so nothing here imports it."""

import contextlib
import pathlib
import pickle
import signal

import interrupts
import ray_connection


def train_on_node(pickled_make, title, shipped, log_file, threads, name, lines):
    """Trains one net in a process of the cluster; returns why it failed."""
    # A cluster that was started in a shell's background ignores Ctrl-C, which Ray cancels with.
    signal.signal(signal.SIGINT, interrupts.interrupt)
    ray_connection.start_quietly(threads)
    import ray

    from trained_nets import run_lock
    from training.executors import trainer

    def send(line):
        with contextlib.suppress(ray.exceptions.RayError):  # the log has it, too
            lines.put((name, line))

    make, shipment = pickle.loads(pickled_make), ray.get(shipped[0])
    log = pathlib.Path(log_file)
    return trainer.train(make, title, shipment, log, send, run_lock.SECONDS_OF_A_LOST_NODE_S_LOCK)
