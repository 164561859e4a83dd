"""benchmarks/batching.py: real batching queues, and a row for each changed parameter."""

import re

import numpy as np
import pytest

from benchmarks import batching
from benchmarks.batching import Measured, Parameters


@pytest.fixture(scope="module")
def net():
    import tensorflow as tf

    spec = tf.TensorSpec((None, 96, 96, 1), tf.uint8)

    @tf.function(input_signature=[spec])
    def net(images):
        tf.py_function(lambda: batching.time.sleep(0.02), [], [])
        return {"keypoints": tf.zeros((tf.shape(images)[0], 15, 2))}

    return net.get_concrete_function()


def test_parameters_are_those_of_the_server():
    parameters = Parameters.of_the_server()
    assert parameters.max_batch_size == 32
    assert parameters.sizes() == [1, 2, 4, 8, 16, 32]
    assert parameters.num_batch_threads == 2


def test_faces_of_many_clients_share_batches(net):
    batcher = batching.Batcher(net, Parameters(8, 5000, 1, 16))
    measured = batching.put_under_load(batcher, clients=8, faces=1, seconds=0.3)
    assert 2 < measured.batch <= 8
    assert measured.refused == 0
    assert (measured.latencies > 0.02).all()


def test_a_full_queue_refuses(net):
    batcher = batching.Batcher(net, Parameters(8, 0, 1, 1))
    measured = batching.put_under_load(batcher, clients=8, faces=8, seconds=0.3)
    assert 0 < measured.refused < 1
    assert measured.batch == 8


def test_ratios_are_within_a_round(capsys):
    def measured(throughput):
        return Measured(throughput, np.array([0.001, 0.003]), 2.0, 0.25)

    rows = {
        "as configured": [measured(100.0), measured(10.0), measured(50.0)],
        "other": [measured(200.0), measured(30.0), measured(100.0)],
    }
    batching.print_table({"1 client": rows})
    other = capsys.readouterr().out.splitlines()[-1]
    assert re.sub(" +", " ", other) == "| other | 100 | 2.00 | 2.0 | 3.0 | 2.0 | 25% |"
