"""Small Ray clusters of this machine.

What joins one should do so in a process of its own: when its node dies, as on a machine that stands
still for a while, Ray ends that process without a word, and a test's with it.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

HEALTH_CHECKS = {  # so that others miss a killed node within a second or two, but not a slow one
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 300,
    "health_check_timeout_ms": 20_000,
    "health_check_failure_threshold": 3,
}


@contextlib.contextmanager
def started(*cpus):
    """Starts a cluster with a node for each number of cores; yields it."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")  # leaves the person's token alone
        patch.setenv("TF_NUM_INTRAOP_THREADS", "1")
        on_sigterm = signal.getsignal(signal.SIGTERM)
        cluster = Cluster()
        try:
            for number in cpus:
                is_first_of_several = not cluster.head_node and len(cpus) > 1
                config = {"_system_config": HEALTH_CHECKS} if is_first_of_several else {}
                _add_node(cluster, number, config)
            yield cluster
        finally:
            cluster.shutdown()
            signal.signal(signal.SIGTERM, on_sigterm)


def _add_node(cluster, number, config):
    def add():
        cluster.add_node(
            num_cpus=number,
            object_store_memory=80 * 2**20,
            include_dashboard=False,
            **config,
        )

    try:
        add()
    except Exception as error:  # Ray raises no other class
        if "timed out during startup" not in str(error):
            raise
        add()  # rarely, its raylet does nothing at all, not even write to its log


@contextlib.contextmanager
def started_by_hand(home, nodes, variables):
    """Starts nodes of one core each as docs/training.md says, with a token in a home folder.

    Yields the address, and the environment for those who join; both have the variables.
    """
    environment = os.environ | {"HOME": str(home)} | variables
    ray = pathlib.Path(sys.executable).with_name("ray")
    subprocess.run(
        [ray, "get-auth-token", "--generate"], env=environment, check=True, capture_output=True
    )
    environment["RAY_AUTH_MODE"] = "token"
    common = [ray, "start", "--block", "--num-cpus=1", "--disable-usage-stats"]
    with contextlib.ExitStack() as running:

        def start(*options):
            process = subprocess.Popen(
                [*common, *options],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            running.callback(_end, process)
            return process.stdout

        address = _wait_for(r"ray start --address='(.+)'", start("--head", "--port=0"))
        for _ in range(nodes - 1):
            _wait_for(r"(Ray runtime started)", start(f"--address={address}"))
        yield address, environment


def _end(process):
    """Kills a `ray start` and all that it has started, its node among them.

    After a training, a node takes half a minute to end by itself; `ray stop` would end the nodes of
    others, too.
    """
    for each in [process.pid, *_descendants(process.pid)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
    process.wait()
    process.stdout.close()


def _wait_for(wanted, output):
    """Reads the output of `ray start` until something is printed; returns the group in that."""
    lines = []
    for line in output:
        lines.append(line)
        if found := re.search(wanted, line):
            return found[1]
    raise AssertionError("".join(lines))


def processes(title):
    """The processes of this process's clusters whose titles begin so; found in /proc."""
    return _descendants(os.getpid(), title)


def _descendants(process, title=""):
    """A process's children, their children, and so on, of those whose titles begin so."""
    found = []
    for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            other = int(command.parent.name)
            if command.read_text().startswith(title) and process in ancestors(other):
                found.append(other)
    return found


def ancestors(process):
    """The numbers of a process's parent, its parent's parent, and so on."""
    while process := parent(process):
        yield process


def parent(process):
    """The number of a process's parent; 0 if it has none."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return int(status.split("PPid:")[1].split()[0])
