"""Trains independent variants of a net: with other recipes, other seeds, and on other splits."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import rich.console

import models
from data_pipeline import FaceData
from errors import FailedError
from trained_nets.run_folder import RunFolder
from training.executors.choice import Executor
from training.executors.job import Job, Trained
from training.executors.parallel import FailedTrainingsError
from training.task import Settings, Task


@dataclasses.dataclass(frozen=True)
class Variant:
    """What is its own.

    Attributes:
        name: of its model, and of its folder in the run.
        recipe: how it is trained.
        seed: decides initial weights, dropout, order and augmentation, and names its split.
    """

    name: str
    recipe: models.Recipe
    seed: int


@dataclasses.dataclass(frozen=True)
class VariantsTask:
    """The counterpart of `Task` for all variants.

    Attributes:
        net: the zoo entry's name.
        splits: by seed, all rows to train and to validate.
        run: the run folder, which gets no configuration of its own.
        settings: of the command.
    """

    net: str
    splits: Mapping[int, tuple[FaceData, FaceData]]
    run: RunFolder
    settings: Settings


def fit_variants(
    task: VariantsTask,
    variants: Sequence[Variant],
    console: rich.console.Console,
    executor: Executor,
) -> Iterator[Trained]:
    """Trains variants into their folders; Ctrl-C ends all.

    Args:
        task: what they share.
        variants: to train.
        console: as for `fit`.
        executor: the way to train them.

    Yields:
        The variants in their order, as the executor does.

    Raises:
        FailedError: after those that could be trained, if some could not.
        KeyboardInterrupt: after those that have weights, if Ctrl-C ended it.
        UserError: as `fit` and the executor.
    """
    makes = [functools.partial(_task_of, each) for each in variants]
    jobs = [Job(make(task), make, each.name) for make, each in zip(makes, variants, strict=True)]
    finished = 0
    try:
        for trained in executor.train(task, jobs, console):
            if trained.results.finished:
                finished += 1
                yield trained
    except FailedTrainingsError:
        pass  # it advises to resume
    if executor.failures:
        reasons = [f"{name}: {reason}" for name, reason in executor.failures.items()]
        raise FailedError(" ".join(reasons))
    if finished < len(jobs):
        raise KeyboardInterrupt


def _task_of(variant, task):
    train, valid = task.splits[variant.seed]
    return Task(
        net=task.net,
        model_name=variant.name,
        recipe=variant.recipe,
        train=train.usable(variant.recipe.rows),
        valid=valid,
        run=task.run.part(variant.name),
        settings=dataclasses.replace(task.settings, seed=variant.seed),
    )
