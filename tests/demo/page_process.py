"""The page in a process of its own, as a user starts it."""

import contextlib
import os
import re
import signal
import subprocess
import sys

from tests import ROOT


@contextlib.contextmanager
def running(temporary, *options):
    """Yields the page's address; then ends it as a service manager does.

    Args:
        temporary: an empty folder for the files that are sent.
        options: of `python -m demo`.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "demo", "--port", "0", *map(str, options)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
    assert status == 143
