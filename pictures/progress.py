"""How far a command is: a bar on a terminal's stderr; a line now and then on any other."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator

import rich.console
import rich.progress

import command_line

_SECONDS_BETWEEN_LINES = 60.0


@contextlib.contextmanager
def progress(number: int, noun: str, done: int = 0) -> Iterator[Callable[[Iterable], Iterable]]:
    """Yields a function that goes through an iterable and counts its elements.

    Args:
        number: how many there will be; 0 if that is not known.
        noun: what they are, in the plural.
        done: how many were done earlier.
    """
    console = rich.console.Console(stderr=True)
    if number == 1:
        yield iter
        return
    if not console.is_terminal:
        yield lambda elements: _with_lines(elements, number, noun, done)
        return
    columns = (
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TextColumn(noun),
        _Rate(),
        rich.progress.TimeRemainingColumn(),
    )
    with rich.progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=number or None, completed=done)

        def counted(elements):
            for each in elements:
                yield each
                bar.advance(task)

        yield counted


class _Rate(rich.progress.ProgressColumn):
    def render(self, task):
        return rich.text.Text(f"{task.speed:,.1f}/s" if task.speed else "")


def _with_lines(elements, number, noun, done):
    start = last = time.monotonic()
    for count, each in enumerate(elements, start=1):
        yield each
        now = time.monotonic()
        if now - last < _SECONDS_BETWEEN_LINES:
            continue
        last, rate = now, count / (now - start)
        text = f"{done + count:,}{f' of {number:,}' if number else ''} {noun}, {rate:,.1f}/s"
        if number:
            text += f", {_minutes((number - done - count) / rate)} left"
        command_line.warn(text)


def _minutes(seconds):
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
