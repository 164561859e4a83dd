"""benchmarks/runtimes.py: processes that time themselves, in turns."""

import contextlib
import time

import numpy as np

from benchmarks import runtimes

_CALLED = []


def open_slow_net():
    def predict(images):
        assert images.shape == (2, 96, 96, 1)
        _CALLED.append(images)
        time.sleep(0.02 if len(_CALLED) > 3 else 0.5)  # the first three warm up

    return predict


def test_processes_time_their_calls_without_the_warm_up():
    with contextlib.closing(runtimes.RuntimeProcess(__name__, "open_slow_net")) as process:
        seconds = process.seconds(batch=2, calls=3)
    assert seconds.shape == (3,)
    assert (seconds >= 0.02).all()
    assert np.median(seconds) < 0.5
    assert not _CALLED  # they ran in the other process


def test_milliseconds_are_per_face_and_a_median_of_each_round():
    class Stub:
        def __init__(self, seconds):
            self._seconds = seconds

        def seconds(self, batch, calls):
            return np.array([self._seconds] * (calls - 1) + [100.0])

    taken = runtimes.milliseconds({"a": Stub(0.008), "b": Stub(0.016)}, 4, calls=3, rounds=5)
    np.testing.assert_allclose(taken["a"], [2.0] * 5)
    np.testing.assert_allclose(taken["b"], [4.0] * 5)
