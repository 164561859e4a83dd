"""One training among several, before and after."""

import dataclasses
from collections.abc import Callable

import keras

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
        trained_here: the model with its best weights, if this process trained it.
    """

    task: Task
    results: Results
    trained_here: keras.Model | None = None

    @property
    def model(self) -> keras.Model:
        """The model with its best weights, from the run folder if another process trained it."""
        return self.task.run.load_model() if self.trained_here is None else self.trained_here
