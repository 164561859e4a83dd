"""Ctrl-C and SIGTERM, which are noted, so that they are not lost where a library swallows them.

Both raise `KeyboardInterrupt` wherever the main thread is. If that is in a getter that C++ code of
TensorFlow's calls, it may take the exception for the lack of an attribute (as of 2.21), and the
training would go on. If it is in `zipfile`, another error may take its place.
"""

import contextlib
import signal

_is_pending = False
_is_delayed = False
_waits = False  # one that came within `delayed`


def take():
    """Lets Ctrl-C and SIGTERM interrupt this process; those before no longer count."""
    forget()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in a shell's background
        signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)


def interrupt(number, frame):
    """A signal handler that notes the interrupt.

    Raises:
        KeyboardInterrupt: at once, unless it is the first within `delayed`.
    """
    global _is_pending, _waits
    _is_pending = True
    if _is_delayed and not _waits:
        _waits = True
        return
    raise KeyboardInterrupt


@contextlib.contextmanager
def delayed():
    """Holds an interrupt back until a short block, such as the writing of a file, has ended.

    Raises:
        KeyboardInterrupt: at the end of the block if one came within; at once if a second one does.
    """
    global _is_delayed, _waits
    _is_delayed, _waits = True, False
    try:
        yield
    except Exception as error:
        if _waits:  # a second one may have become this error
            raise KeyboardInterrupt from error
        raise
    finally:
        _is_delayed = False
    if _waits:
        raise KeyboardInterrupt


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
