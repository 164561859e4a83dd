"""Trains several nets at a time as tasks of a Ray cluster."""

import pickle

import ray_connection
from training.executors import cluster_worker
from training.executors.parallel import KILLED_TWICE, End

_SECONDS_BETWEEN_LOOKS = 0.3


class Cluster:
    """Trains on a Ray cluster.

    Args:
        address: of the cluster; "auto" for the one that this machine is a node of.

    Raises:
        UserError: if Ray is not installed.
    """

    def __init__(self, address: str):
        ray_connection.require_ray()
        self._address = address

    def run(self, shipment, jobs, show) -> End:
        """Trains nets, as `Way` has it; a second Ctrl-C kills the tasks at once.

        Raises:
            UserError: if there is no such cluster, or this machine's node ends.
        """
        with ray_connection.connected(self._address) as (ray, node):
            return _Trainings(ray, node, shipment, jobs, show).run()


class _Trainings:
    """The tasks of one run."""

    def __init__(self, ray, node, shipment, jobs, show):
        from ray.util.queue import Queue

        self._ray, self._node, self._show = ray, node, show
        here = node.strategy  # or it might be lost with another
        self._lines = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        shipped = ray.put(shipment)
        share = ray_connection.share(ray, len(jobs))
        # A process of its own for each net, as elsewhere; one that is killed is started again.
        train = ray.remote(max_calls=1, max_retries=1)(cluster_worker.train_on_node).options(
            **share
        )
        self._names = {
            train.remote(
                pickle.dumps(job.make),
                job.title,
                [shipped],  # in a list, Ray leaves it to the task to fetch it
                str(job.task.run.log_file.absolute()),
                int(share["num_cpus"]),
                job.name,
                self._lines,
            ): job.name
            for job in jobs
        }
        self._left = list(self._names)

    def run(self):
        interrupted = False
        try:
            self._wait()
        except KeyboardInterrupt:
            interrupted = True
            try:
                self._cancel(force=False)
                self._wait()
            except KeyboardInterrupt:
                self._cancel(force=True)
                raise
        self._show_lines()
        reasons = {name: self._reason(task) for task, name in self._names.items()}
        return End({name: reason for name, reason in reasons.items() if reason}, interrupted)

    def _wait(self):
        while self._left:
            self._node.require()
            _, self._left = self._ray.wait(
                self._left, num_returns=len(self._left), timeout=_SECONDS_BETWEEN_LOOKS
            )
            self._show_lines()

    def _show_lines(self):
        queue = self._lines.actor
        number = self._node.get(queue.qsize.remote())
        for name, line in self._node.get(queue.get_nowait_batch.remote(number)):
            self._show(name, line)

    def _cancel(self, force):
        for task in self._left:
            self._ray.cancel(task, force=force)

    def _reason(self, task):
        """Returns why a training failed; None if it did not, or was cancelled."""
        try:
            return self._ray.get(task)
        except self._ray.exceptions.TaskCancelledError:
            return None
        except self._ray.exceptions.WorkerCrashedError:
            return KILLED_TWICE
        except self._ray.exceptions.RayError as error:
            return f"{ray_connection.reason(error)}."
