"""Connects to a Ray cluster: sends it the code, shares it out, notices that this node has ended."""

import atexit
import contextlib
import importlib.util
import os
import pathlib
import shutil
import signal
import socket
import sys
import tempfile

import child_processes
import git_commit
import tensorflow_start
from errors import FailedError, UserError, first_line

_ROOT = pathlib.Path(__file__).parent
# What tasks import: sent to the nodes, which need only the packages of others.
_CODE = (
    *("callbacks", "data_pipeline", "evaluation", "models", "pictures", "trained_nets"),
    *("training", "*.py"),
)
_VARIABLES = ("KERAS_BACKEND", "TF_NUM_INTRAOP_THREADS")  # a task has its node's environment
_SECONDS_TO_ANSWER = 60.0  # for a busy machine
_SECONDS_BETWEEN_LOOKS = 0.3


class LostNodeError(FailedError):
    """Ray has ended on this machine."""

    def __init__(self):
        super().__init__("This machine's Ray node has ended. Start it again, and then repeat this.")


def reason(error: Exception) -> str:
    """Returns the last line of what Ray tells, which has the cause."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1].rstrip(".")


def require_ray():
    """Checks that Ray is installed.

    Raises:
        UserError: if it is not.
    """
    if importlib.util.find_spec("ray") is None:
        raise UserError("--cluster needs Ray, which is an extra: pip install -e '.[ray]'.")


@contextlib.contextmanager
def connected(address: str):
    """Connects to a cluster and sends it this project's code; yields Ray, and `ThisNode`.

    Args:
        address: of the cluster; "auto" for the one that this machine is a node of.

    Raises:
        UserError: if there is no such cluster.
        LostNodeError: if this machine's node has ended.
        FailedError: if Ray fails in the block otherwise.
    """
    import ray

    with tempfile.TemporaryDirectory(prefix="facial-keypoints-") as code:
        _copy_code(pathlib.Path(code))
        variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        _require_answer(address)
        on_sigterm = signal.getsignal(signal.SIGTERM)
        try:
            ray.init(
                address=address,
                runtime_env={"working_dir": code, "env_vars": variables},
                log_to_driver=False,  # the lines come through a queue, in order and all of them
                logging_level="ERROR",
            )
        except Exception as error:  # ConnectionError, RuntimeError, AuthenticationError, …
            raise _no_connection(address, error) from error
        signal.signal(signal.SIGTERM, on_sigterm)  # Ray would end without saving
        node = ThisNode(ray)
        try:
            yield ray, node
        except ray.exceptions.RayError as error:
            node.require()
            raise FailedError(f"Ray failed: {reason(error)}.") from error
        finally:
            if node.exit_status is None and node.is_there():
                ray.shutdown()
            else:
                atexit.unregister(ray.shutdown)  # it might end this process before that is told
                atexit.register(_end_at_once, node.exit_status or LostNodeError.status)


def _require_answer(address):
    """Checks that something answers at HOST:PORT, where Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not (host and port.isdigit()):  # such as "auto", which Ray looks up at once
        return
    try:
        _reach(host.strip("[]"), int(port))
    except (OSError, ValueError, OverflowError) as error:  # of names and ports that cannot be, too
        raise _no_connection(address, error) from error


def _reach(host, port):
    socket.create_connection((host, port), _SECONDS_TO_ANSWER).close()


def _no_connection(address, error):
    return UserError(
        f"There is no connection to a Ray cluster at {address}: {first_line(error).rstrip('.')}. "
        "`ray start --head` starts one on this machine."
    )


def _end_at_once(status):
    """Ends this process where Ray would crash it in the end."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def places(ray) -> int:
    """Returns how many processes a cluster has room for: one on each GPU, or else on each core.

    Raises:
        UserError: if the cluster has no CPUs.
    """
    nodes = _nodes(ray)
    return sum(gpus for _, gpus in nodes) or sum(cores for cores, _ in nodes)


def share(ray, number: int) -> dict[str, int]:
    """Returns what each of `number` processes gets of the cluster, as Ray's options.

    Raises:
        UserError: if the cluster has no CPUs.
    """
    nodes = _nodes(ray)
    of_a_gpu = [cores // gpus for cores, gpus in nodes if gpus]
    if of_a_gpu:  # nodes without one have no place for a process
        return {"num_cpus": max(1, min(of_a_gpu)), "num_gpus": 1}
    cores = [cores for cores, _ in nodes]
    return {"num_cpus": max(1, min(sum(cores) // number, *cores)), "num_gpus": 0}


def share_of_machines(ray, number: int) -> dict[str, int]:
    """Returns what one process on each of `number` machines gets, as Ray Train's resources.

    Raises:
        UserError: if the cluster does not have as many, with GPUs if any has one.
    """
    nodes = _nodes(ray)
    alike = [node for node in nodes if node[1]] or nodes
    if len(alike) < number:
        raise UserError(
            f"--machines {number} needs {number} machines, and the Ray cluster has {len(alike)}"
            f"{' with GPUs' * (len(alike) < len(nodes))}. Start more nodes, or lower it."
        )
    best = sorted(alike, key=lambda node: node[::-1], reverse=True)[:number]
    cores, gpus = map(min, zip(*best, strict=True))
    return {"CPU": cores, "GPU": gpus}


def _nodes(ray):
    """Returns the cores and the GPUs of each node that has cores."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    found = [
        (int(node["CPU"]), int(node.get("GPU", 0))) for node in nodes if node.get("CPU", 0) >= 1
    ]
    if not found:
        raise UserError("The Ray cluster has no CPUs. Start its nodes with some, or wait for them.")
    return found


class ThisNode:
    """Ray on this machine, whose end it does not tell to the programs that use it.

    Some seconds after that, it ends them without a word, or they wait forever.

    Attributes:
        strategy: the scheduling strategy that keeps a task on this node.
        exit_status: of `leave_at_exit`; None if Ray is to be left as usual.
    """

    def __init__(self, ray):
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._ray = ray
        here = ray.get_runtime_context().get_node_id()
        (node,) = [each for each in ray.nodes() if each["NodeID"] == here]
        self.strategy = NodeAffinitySchedulingStrategy(here, soft=False)
        self._address = node["NodeManagerAddress"], node["NodeManagerPort"]
        self.exit_status = None

    def leave_at_exit(self, status: int):
        """Leaves Ray by the end of this process, as another thread waits for it until then."""
        self.exit_status = status

    def is_there(self) -> bool:
        """Whether it still is."""
        try:
            _reach(*self._address)
        except OSError:
            return False
        return True

    def require(self):
        """Checks that it is still there.

        Raises:
            LostNodeError: if it is not.
        """
        if not self.is_there():
            raise LostNodeError

    def get(self, call):
        """Waits for the answer to a call, as `wait` does, and returns it."""
        self.wait([call])
        return self._ray.get(call)

    def wait(self, calls):
        """Waits until some calls are answered, but not once the node has ended; returns these.

        Raises:
            LostNodeError: if it has.
        """
        while True:
            done, _ = self._ray.wait(calls, timeout=_SECONDS_BETWEEN_LOOKS)
            if done:
                return done
            self.require()


def start_quietly(threads: int):
    """Starts TensorFlow in a task, with so many threads unless the person has said how many."""
    child_processes.limit_threads(threads)
    tensorflow_start.start_quietly()


def _copy_code(folder):
    for path in (path for pattern in _CODE for path in sorted(_ROOT.glob(pattern))):
        if path.is_dir():
            shutil.copytree(
                path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__", ".*")
            )
        else:
            shutil.copy(path, folder / path.name)
    (folder / git_commit.FILE.name).write_text(git_commit.git_commit() or "")
