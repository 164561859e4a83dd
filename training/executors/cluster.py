"""Trains several nets at a time as tasks of a Ray cluster."""

import contextlib
import importlib.util
import pathlib
import pickle
import shutil
import signal
import tempfile

import child_processes
import command_line
from errors import UserError
from trained_nets.provenance import COMMIT_FILE, provenance
from training.executors.parallel import KILLED_TWICE, End

_ROOT = pathlib.Path(__file__).parents[2]
# What a training imports: sent to the nodes, which need only the packages of others.
_CODE = ("callbacks", "data_pipeline", "evaluation", "models", "trained_nets", "training", "*.py")
_SECONDS_BETWEEN_LOOKS = 0.3


class Cluster:
    """Trains on a Ray cluster.

    Args:
        address: of the cluster; "auto" for the one that this machine is a node of.

    Raises:
        UserError: if Ray is not installed.
    """

    def __init__(self, address: str):
        if importlib.util.find_spec("ray") is None:
            raise UserError("--cluster needs Ray, which is an extra: pip install -e '.[ray]'.")
        self._address = address

    def run(self, shipment, jobs, show) -> End:
        """Trains nets, as `Way` has it; a second Ctrl-C kills the tasks at once."""
        with _connected(self._address) as ray:
            return _Trainings(ray, shipment, jobs, show).run()


class _Trainings:
    """The tasks of one run."""

    def __init__(self, ray, shipment, jobs, show):
        from ray.util.queue import Queue

        self._ray, self._show = ray, show
        self._lines = Queue(actor_options={"num_cpus": 0})
        shipped = ray.put(shipment)
        share = _share(ray, len(jobs))
        # A process of its own for each net, as elsewhere; one that is killed is started again.
        train = ray.remote(max_calls=1, max_retries=1)(_train_on_node).options(**share)
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
            _, self._left = self._ray.wait(
                self._left, num_returns=len(self._left), timeout=_SECONDS_BETWEEN_LOOKS
            )
            self._show_lines()

    def _show_lines(self):
        for name, line in self._lines.get_nowait_batch(self._lines.qsize()):
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
            return f"{str(error).strip().splitlines()[-1]}."


def _train_on_node(pickled_make, title, shipped, log_file, threads, name, lines):
    """Trains one net in a process of the cluster; returns why it failed."""
    child_processes.limit_threads(threads)
    # A cluster that was started in a shell's background ignores Ctrl-C, which Ray cancels with.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command_line.start_quietly()
    import ray

    from training.executors import trainer

    def send(line):
        with contextlib.suppress(ray.exceptions.RayError):  # the log has it, too
            lines.put((name, line))

    make, shipment = pickle.loads(pickled_make), ray.get(shipped[0])
    return trainer.train(make, title, shipment, pathlib.Path(log_file), send)


def _share(ray, number):
    """Returns what each of `number` trainings gets of the cluster, as Ray's options."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    per_node = [int(node["CPU"]) for node in nodes if node.get("CPU", 0) >= 1]
    if not per_node:
        raise UserError("The Ray cluster has no CPUs. Start its nodes with some, or wait for them.")
    gpus = sum(int(node.get("GPU", 0)) for node in nodes)
    at_a_time = min(number, gpus) if gpus else number
    cpus = max(1, min(sum(per_node) // at_a_time, *per_node))
    return {"num_cpus": cpus, "num_gpus": 1 if gpus else 0}


@contextlib.contextmanager
def _connected(address):
    """Connects to a cluster and sends it this project's code; yields Ray."""
    import ray

    with tempfile.TemporaryDirectory(prefix="facial-keypoints-") as code:
        _copy_code(pathlib.Path(code))
        on_sigterm = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(
                address=address,
                runtime_env={"working_dir": code},
                log_to_driver=False,  # the lines come through a queue, in order and all of them
                logging_level="ERROR",
            )
        except Exception as error:  # ConnectionError, RuntimeError, AuthenticationError, …
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"There is no connection to a Ray cluster at {address}: {reason.rstrip('.')}. "
                "`ray start --head` starts one on this machine."
            ) from error
        signal.signal(signal.SIGTERM, on_sigterm)  # Ray would end without saving
        try:
            yield ray
        finally:
            ray.shutdown()


def _copy_code(folder):
    for path in (path for pattern in _CODE for path in sorted(_ROOT.glob(pattern))):
        if path.is_dir():
            shutil.copytree(
                path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__", ".*")
            )
        else:
            shutil.copy(path, folder / path.name)
    commit = provenance()["git_commit"] or ""
    (folder / "trained_nets" / COMMIT_FILE).write_text(commit)
