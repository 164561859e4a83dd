"""One training over the machines of a Ray cluster; Ray Train starts it again when one is lost."""

import argparse
import os
import sys
import tempfile
import threading

import ray_connection
import tensorflow_start
from errors import FailedError, UserError
from training import ray_worker

_TRIES = 10  # in all
_SECONDS_BETWEEN_LOOKS = 0.3


def run(arguments: argparse.Namespace) -> int:
    """Trains what the options ask for, one process on each machine; returns the exit status.

    Args:
        arguments: as `training.arguments.parse_arguments` returns them.

    Raises:
        UserError: if Ray or JAX is not there, or the cluster has too few machines.
        FailedError: if the training was lost again and again.
    """
    ray_connection.require_ray()
    if tensorflow_start.require_backend() != "jax":
        raise UserError(
            "--machines needs JAX: set KERAS_BACKEND=jax (pip install -e '.[jax,ray]')."
        )
    with ray_connection.connected(arguments.cluster) as (ray, node):
        resources = ray_connection.share_of_machines(ray, arguments.machines)
        course = (
            ray.remote(ray_worker.Course)
            .options(num_cpus=0, scheduling_strategy=node.strategy)
            .remote()
        )
        trainer = _Trainer(arguments, resources, course)
        threading.Thread(target=trainer.run, daemon=True).start()
        status = _watch(trainer, course, node)
    if status is None:
        raise FailedError(f"{trainer.failure} --resume goes on from what was saved last.")
    return status


def _watch(trainer, course, node):
    """Shows the lines of the first process until all is over; returns its status, or None."""
    is_stopped = is_over = False
    while not is_over:
        try:
            is_over = trainer.is_over.wait(_SECONDS_BETWEEN_LOOKS)
            for line in node.get(course.taken_lines.remote()):
                is_told = line.startswith(ray_worker.PROGRAM)
                print(line, file=sys.stderr if is_told else sys.stdout, flush=True)
        except KeyboardInterrupt:
            if is_stopped or not node.get(course.stop.remote()):
                raise
            is_stopped = True
    return node.get(course.status.remote())


class _Trainer:
    """Runs Ray Train, which handles Ctrl-C in its own way only if it is in the main thread.

    Attributes:
        is_over: set when it has ended.
        failure: why it gave up, as a sentence; None if it did not.
    """

    def __init__(self, arguments, resources, course):
        self._course = course
        self._config = {
            "arguments": arguments,
            "folder": os.getcwd(),
            "machines": arguments.machines,
            "course": course,
        }
        self._resources = resources
        self.is_over = threading.Event()
        self.failure = None

    def run(self):
        from ray import train
        from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

        with tempfile.TemporaryDirectory(prefix="facial-keypoints-") as storage:
            trainer = DataParallelTrainer(
                ray_worker.work,
                train_loop_config=self._config,
                scaling_config=train.ScalingConfig(
                    num_workers=self._config["machines"],
                    use_gpu=bool(self._resources.get("GPU")),
                    resources_per_worker=self._resources,
                    placement_strategy="STRICT_SPREAD",  # one on each machine
                ),
                run_config=train.RunConfig(
                    storage_path=storage,
                    failure_config=train.FailureConfig(max_failures=_TRIES - 1),
                    callbacks=[_told_failures(self._course)],
                ),
            )
            try:
                trainer.fit()
            except Exception as error:  # TrainingFailedError, and what Ray raises itself
                self.failure = f"The training failed: {ray_connection.reason(error)}."
            finally:
                self.is_over.set()


def _told_failures(course):
    from ray.train import UserCallback

    class ToldFailures(UserCallback):
        """Says in the person's terminal that a process was lost."""

        def after_exception(self, run_context, worker_exceptions):
            course.lose.remote()
            first = worker_exceptions[min(worker_exceptions)]
            reason = ray_connection.reason(first).strip()
            course.add_line.remote(f"A process was lost, and all start again: {reason}.")

    return ToldFailures()
