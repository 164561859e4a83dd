"""Ctrl-C and SIGTERM, which are noted, so that they are not lost where a library swallows them.

Both raise `KeyboardInterrupt` wherever the main thread is. If that is in a getter that C++ code of
TensorFlow's calls, it may take the exception for the lack of an attribute (as of 2.21), and the
training would go on. If it is in `zipfile`, another error may take its place.
"""

import contextlib
import signal

_is_pending = False
_is_delayed = False


def take():
    """Lets Ctrl-C and SIGTERM interrupt this process; those before no longer count."""
    forget()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in a shell's background
        signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)


def interrupt(number, frame):
    """A signal handler that notes the interrupt.

    Raises:
        KeyboardInterrupt: at once, but for the first one within `delayed`.
    """
    global _is_pending
    waits = _is_delayed and not _is_pending
    _is_pending = True
    if not waits:
        raise KeyboardInterrupt


@contextlib.contextmanager
def delayed():
    """Lets a block that is soon done, such as the writing of a file, end before an interrupt.

    Raises:
        KeyboardInterrupt: at its end, if one came meanwhile; at once, if a second one does.
    """
    global _is_delayed
    _is_delayed = True
    try:
        yield
    finally:
        _is_delayed = False
    require_none()


def require_none():
    """Checks that there was no interrupt that nobody has answered.

    Raises:
        KeyboardInterrupt: if there was.
    """
    if _is_pending:
        raise KeyboardInterrupt


def forget():
    """Tells that what there was has been answered."""
    global _is_pending
    _is_pending = False
