"""What a training in another process prints: a line at a time to the parent, and all to a file."""

import contextlib
import io
import os
import pathlib
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

import atomic_write


@contextlib.contextmanager
def kept(file: pathlib.Path) -> Iterator[TextIO]:
    """Appends to a log whatever the block prints, libraries included; yields the open log.

    Raises:
        UserError: if it cannot be written.
    """
    with atomic_write.refusals_named(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        log = open(file, "a", encoding="utf-8", buffering=1)  # noqa: SIM115
    with log, contextlib.ExitStack() as stack:
        for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
            stream.flush()
            before = os.dup(descriptor)
            os.dup2(log.fileno(), descriptor)
            stack.callback(os.close, before)
            stack.callback(os.dup2, before, descriptor)
            stack.callback(stream.flush)
        yield log


class Lines(io.TextIOBase):
    """A text file that writes into a log, and calls `send` with each whole line."""

    def __init__(self, log: TextIO, send: Callable[[str], None]):
        self._log, self._send, self._rest = log, send, ""

    def write(self, text: str) -> int:
        self._log.write(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in filter(str.strip, lines):
            self._send(line)
        return len(text)
