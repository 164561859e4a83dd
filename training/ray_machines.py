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
from training.run_state import RunState

_MOST_ATTEMPTS = 10
_SECONDS_BETWEEN_LOOKS = 0.3
_SECONDS_FOR_THE_END = 15.0


def run(arguments: argparse.Namespace) -> int:
    """Trains what the options ask for, one process on each machine; returns the exit status.

    Args:
        arguments: as `training.arguments.parse_arguments` returns them.

    Raises:
        UserError: if Ray or JAX is not there, or the cluster has too few machines.
        FailedError: if a process was lost again and again.
    """
    if tensorflow_start.require_backend() != "jax":
        raise UserError(
            "--machines needs JAX: set KERAS_BACKEND=jax (pip install -e '.[jax,ray]')."
        )
    _require_ray_train()
    with ray_connection.connected(arguments.cluster) as (ray, node):
        resources = ray_connection.share_of_machines(ray, arguments.machines)
        on_this_node = ray.remote(RunState).options(num_cpus=0, scheduling_strategy=node.strategy)
        state = on_this_node.remote(_MOST_ATTEMPTS)
        trainer = _Trainer(arguments, resources, state)
        threading.Thread(target=trainer.run, daemon=True).start()
        try:
            _watch(trainer, state, node)
        except KeyboardInterrupt:
            node.leave_at_exit(130)  # for the thread waits for Ray
            raise
        status, loss = node.get(state.status.remote()), node.get(state.loss.remote())
    if status is None:
        reason = loss or trainer.failure
        raise FailedError(f"The training failed: {reason}. --resume goes on from what it saved.")
    return status


def _require_ray_train():
    ray_connection.require_ray()
    try:
        import ray.train  # noqa: F401
    except ImportError as error:
        raise UserError("--machines needs Ray Train: pip install -e '.[ray]'.") from error


def _watch(trainer, state, node):
    """Shows the lines of the first process until all is over.

    Raises:
        KeyboardInterrupt: if Ctrl-C is pressed again, or when no process is there to save.
    """
    shown = 0
    is_stopped = is_over = False
    while not is_over:
        try:
            is_over = trainer.is_over.wait(_SECONDS_BETWEEN_LOOKS)
            for line in node.get(state.lines_from.remote(shown)):
                is_told = line.startswith(ray_worker.PROGRAM)
                print(line, file=sys.stderr if is_told else sys.stdout, flush=True)
                shown += 1
            if is_stopped and node.get(state.has_ended.remote()):
                # Ray Train may wait for another machine, and never get one.
                is_over = trainer.is_over.wait(_SECONDS_FOR_THE_END)
                if not is_over:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            if is_stopped or not node.get(state.stop.remote()):
                raise
            is_stopped = True


class _Trainer:
    """Runs Ray Train, which handles Ctrl-C in its own way only if it is in the main thread.

    Attributes:
        is_over: set when it has ended.
        failure: why it failed; None if it did not.
    """

    def __init__(self, arguments, resources, state):
        self._state = state
        self._config = {"arguments": arguments, "folder": os.getcwd(), "state": state}
        self._resources = resources
        self.is_over = threading.Event()
        self.failure = None

    def run(self):
        try:
            self._run()
        except Exception as error:  # TrainingFailedError, and whatever Ray raises itself
            self.failure = ray_connection.reason(error)
        finally:
            self.is_over.set()

    def _run(self):
        from ray import train
        from ray.train.v2.api.data_parallel_trainer import DataParallelTrainer

        with tempfile.TemporaryDirectory(prefix="facial-keypoints-") as storage:
            trainer = DataParallelTrainer(
                ray_worker.work,
                train_loop_config=self._config,
                scaling_config=train.ScalingConfig(
                    num_workers=self._config["arguments"].machines,
                    use_gpu=bool(self._resources["GPU"]),
                    resources_per_worker=self._resources,
                    placement_strategy="STRICT_SPREAD",  # one on each machine
                ),
                run_config=train.RunConfig(
                    storage_path=storage,
                    failure_config=train.FailureConfig(max_failures=_MOST_ATTEMPTS - 1),
                    callbacks=[_told_losses(self._state)],
                ),
            )
            trainer.fit()


def _told_losses(state):
    from ray.train import UserCallback

    class ToldLosses(UserCallback):
        def after_exception(self, run_context, worker_exceptions):
            """Tells that a process was lost, by the reason of the one that was, not of others."""
            reasons = [
                ray_connection.reason(error).strip().removeprefix("RuntimeError: ")
                for _, error in sorted(worker_exceptions.items())
            ]
            consequences = tuple(f"with status {each}" for each in ray_worker.CONSEQUENCES)
            own = [reason for reason in reasons if not reason.endswith(consequences)]
            state.lose.remote((own or reasons)[0])

    return ToldLosses()
