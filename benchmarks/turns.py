"""Takes turns between ways to do a thing, so that other load on the machine slows all alike."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

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
    for order in orders(ways, rounds):
        for name in order:
            start = time.perf_counter()
            ways[name]()
            seconds[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in seconds.items()}


def orders(names: Iterable[str], rounds: int) -> Iterator[list[str]]:
    """Yields the names in another order for each round.

    It is shuffled, not rotated: in a rotation, each would nearly always follow the same one.
    """
    names, random = list(names), np.random.default_rng(0)
    for _ in range(rounds):
        yield [names[place] for place in random.permutation(len(names))]
