"""Takes turns between ways to do a thing, so that other load on the machine slows all alike."""

import time
from collections.abc import Callable, Mapping

import numpy as np


def take_turns(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, np.ndarray]:
    """Times each way once a round.

    Args:
        ways: what to call, by name. Each is called twice before it is timed, to warm up.
        rounds: how many.

    Returns:
        Seconds, `(rounds,)`, by name. Ratios within a round hold where single figures may not.
    """
    for call in [*ways.values(), *ways.values()]:
        call()
    seconds = {name: [] for name in ways}
    order = list(ways)
    for _ in range(rounds):
        for name in order:
            start = time.perf_counter()
            ways[name]()
            seconds[name].append(time.perf_counter() - start)
        order = order[1:] + order[:1]  # or the same one would always follow the slowest
    return {name: np.array(values) for name, values in seconds.items()}
