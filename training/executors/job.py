"""One training among several, before and after."""

import dataclasses
from collections.abc import Callable

from training.results import Results
from training.task import Task


@dataclasses.dataclass(frozen=True)
class Job:
    """One net to train.

    Attributes:
        task: what to train.
        make: makes the task from the whole run's, in a process that has only that.
        title: the line above its epochs.
    """

    task: Task
    make: Callable[[object], Task]
    title: str

    @property
    def name(self) -> str:
        """The name of the net, and of its folder in the run."""
        return self.task.model_name

    @property
    def images(self) -> int:
        """How many it sees, at most: what decides how long it takes."""
        return len(self.task.train) * self.task.recipe.epochs


@dataclasses.dataclass(frozen=True)
class Trained:
    """One trained net of a run.

    Attributes:
        task: what was trained.
        results: how it ended.
    """

    task: Task
    results: Results
