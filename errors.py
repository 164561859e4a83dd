"""The exception for a person's mistake, as opposed to a bug in this project; errors in one line."""

import contextlib
import os


class UserError(ValueError):
    """Bad input: a wrong path, a damaged file, an unknown name, contradictory settings.

    The message is one line that states the rule, what was received, and the remedy. Scripts print
    it on stderr and exit with `status` (`command_line.run`); any other exception is a bug and keeps
    its traceback.
    """

    status = 2


class FailedError(UserError):
    """Something failed although the command itself was valid."""

    status = 1


class LostProcessError(FailedError):
    """Another process of a training over several machines has ended; it can be started again."""

    status = 75  # EX_TEMPFAIL of sysexits.h, which asks whoever supervises it to do so


class DivergedError(FailedError):
    """Training ended because the loss is no longer a number.

    Args:
        what: diverged and when, and what to try.
        left: what is there of it, as a sentence.
    """

    def __init__(self, what: str, left: str):
        super().__init__(f"{what} {left}")
        self.what = what


def first_line(error: Exception) -> str:
    """Returns the first line of an error's text, or the name of its type if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextlib.contextmanager
def looking_at(path: str | os.PathLike):
    """Turns it into a `UserError` if a path that a person named cannot be looked at in the block.

    That is an `OSError`, such as for no rights or too long a name, or pathlib's `RuntimeError` for
    the home folder of nobody, `~nosuch`. What does not exist can be looked at.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise UserError(f"{path} cannot be opened: {reason}.") from error
