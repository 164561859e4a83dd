"""The one exception for a person's mistake, as opposed to a bug in this project."""


class UserError(ValueError):
    """Bad input: a wrong path, a damaged file, an unknown name, contradictory settings.

    The message is one line that states the rule, what was received, and the remedy. Scripts print
    it on stderr and exit with `status` (`command_line.run`); any other exception is a bug and keeps
    its traceback.
    """

    status = 2


class DivergedError(UserError):
    """Training ended because the loss is no longer a number; the command itself was valid."""

    status = 1
