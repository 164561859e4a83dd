"""How a cluster is joined, and shared out by what its nodes have."""

import socket
import types

import pytest

import ray_connection
from errors import UserError


def cluster(*nodes):
    """Stands for Ray where nodes have so many cores and GPUs."""
    described = [{"Alive": True, "Resources": {"CPU": cpus, "GPU": gpus}} for cpus, gpus in nodes]
    described.append({"Alive": False, "Resources": {"CPU": 100, "GPU": 100}})
    return types.SimpleNamespace(nodes=lambda: described)


@pytest.mark.parametrize(
    ("nodes", "processes", "cpus", "gpus"),
    [
        ([(8, 0)], 6, 1, 0),
        ([(8, 0)], 2, 4, 0),
        ([(8, 0), (2, 0)], 2, 2, 0),  # a process must fit on one node
        ([(2, 0)], 6, 1, 0),
        ([(64, 0), (16, 8)], 6, 2, 1),  # the cores of a node without GPUs are of no use
        ([(16, 8), (4, 4)], 2, 1, 1),
    ],
)
def test_each_process_gets_its_share(nodes, processes, cpus, gpus):
    ray = cluster(*nodes)
    assert ray_connection.share(ray, processes) == {"num_cpus": cpus, "num_gpus": gpus}


@pytest.mark.parametrize(
    ("nodes", "cpus", "gpus"),
    [
        ([(8, 0), (2, 0), (4, 0)], 4, 0),
        ([(64, 0), (16, 8), (4, 4)], 4, 4),  # a node without GPUs is of no use
        ([(64, 1), (32, 8), (16, 8)], 16, 8),
    ],
)
def test_each_of_two_machines_gives_what_both_have(nodes, cpus, gpus):
    assert ray_connection.share_of_machines(cluster(*nodes), 2) == {"CPU": cpus, "GPU": gpus}


def test_too_few_machines_are_told():
    with pytest.raises(UserError, match="needs 2 machines, and the Ray cluster has 1 with GPUs."):
        ray_connection.share_of_machines(cluster((8, 0), (2, 1)), 2)


def test_there_is_a_place_for_each_gpu_or_else_for_each_core():
    assert ray_connection.places(cluster((8, 0), (2, 0))) == 10
    assert ray_connection.places(cluster((64, 0), (16, 8))) == 8
    with pytest.raises(UserError, match="no CPUs"):
        ray_connection.places(cluster((0, 1)))


def test_an_address_where_no_cluster_answers_is_refused_at_once():
    pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[ray]'")
    with socket.socket() as taken:  # but not listening
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for each in (address, f"ray://{address}", "127.0.0.1:99999"):
            with (
                pytest.raises(UserError, match=f"no connection to a Ray cluster at {each}: "),
                ray_connection.connected(each),
            ):
                pass
