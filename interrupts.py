"""Ctrl-C and SIGTERM, which are noted, so that they are not lost where a library swallows them.

Both raise `KeyboardInterrupt` wherever the main thread is. If that is in a getter that C++ code of
TensorFlow's calls, it may take the exception for the lack of an attribute (as of 2.21), and the
training would go on.
"""

import signal

_is_pending = False


def take():
    """Lets Ctrl-C and SIGTERM interrupt this process; those before no longer count."""
    forget()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in a shell's background
        signal.signal(signal.SIGINT, interrupt)
    signal.signal(signal.SIGTERM, interrupt)


def interrupt(number, frame):
    """A signal handler that notes the interrupt.

    Raises:
        KeyboardInterrupt: always.
    """
    global _is_pending
    _is_pending = True
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
