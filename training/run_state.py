"""What the processes of a training on a Ray cluster know of each other, as an actor of Ray."""


class RunState:
    """Who has begun, ended, or is to end.

    Args:
        most_attempts: how often the training may begin.
    """

    def __init__(self, most_attempts: int):
        self._most_attempts = most_attempts
        self._attempts, self._folder = 0, None
        self._lines, self._loss, self._status = [], "", None
        self._is_running = self._is_stopped = False

    def begin(self, folder: int | None) -> tuple[int, bool]:
        """Tells that the training begins.

        Args:
            folder: identifies what is in the place of its run folder; None if nothing is.

        Returns:
            Which attempt it is, from 1, and whether the folder is not what the first one found.
        """
        if not self._attempts:
            self._folder = folder
        self._attempts += 1
        self._is_running = True
        return self._attempts, folder != self._folder

    def add_line(self, line: str):
        self._lines.append(line)

    def lines_from(self, number: int) -> list[str]:
        """Returns the lines but the first so many."""
        return self._lines[number:]

    def stop(self) -> bool:
        """Asks the first process to save and end; returns whether it is there to do so."""
        self._is_stopped = True
        return self._is_running

    def is_stopped(self) -> bool:
        return self._is_stopped

    def lose(self, reason: str):
        """Tells that a process was lost, after which all begin again unless it was too often."""
        self._is_running, self._loss = False, reason
        if self._is_stopped:
            self.end(130)
        elif self._attempts < self._most_attempts:
            self.add_line(f"A process was lost: {reason}. All start again, once there is room.")

    def loss(self) -> str:
        """Returns why a process was lost, the last time."""
        return self._loss

    def end(self, status: int):
        """Tells with which status the training ended for good; the first time counts."""
        self._is_running = False
        if self._status is None:
            self._status = status

    def has_ended(self) -> bool:
        return self._status is not None

    def status(self) -> int | None:
        """Returns that status; None if it did not end."""
        return self._status
