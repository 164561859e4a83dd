"""A progress bar on stderr, if that is a terminal."""

import contextlib
from collections.abc import Callable, Iterable, Iterator

import rich.console
import rich.progress


@contextlib.contextmanager
def progress(number: int, noun: str) -> Iterator[Callable[[Iterable], Iterable]]:
    """Yields a function that goes through an iterable and counts its elements.

    Args:
        number: how many there will be; 0 if that is not known.
        noun: what they are, in the plural.
    """
    console = rich.console.Console(stderr=True)
    columns = (
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TextColumn(noun),
        rich.progress.TimeRemainingColumn(),
    )
    if number == 1 or not console.is_terminal:
        yield lambda elements: elements
        return
    with rich.progress.Progress(*columns, console=console, transient=True) as bar:
        yield lambda elements: bar.track(elements, total=number or None)
