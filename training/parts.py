"""Trains the nets that together make one run: specialists, or the nets of folds."""

from collections.abc import Callable, Iterator, Sequence

import rich.console

import command_line
import keypoint_schema
from training.executors.choice import Executor
from training.executors.job import Job, Trained
from training.fit import check
from training.task import Task


def fit_parts(
    whole,
    makes: Sequence[Callable[[object], Task]],
    config: dict,
    console: rich.console.Console,
    executor: Executor,
) -> Iterator[Trained]:
    """Trains the nets that are not finished yet.

    Args:
        whole: the whole run's task, with its run folder and settings.
        makes: for each net, what makes its task from the whole run's; it can be pickled.
        config: the whole run's configuration.
        console: where tables and the progress bar go.
        executor: the way to train them.

    Yields:
        The nets that have weights, in their order; after Ctrl-C, not all of them.

    Raises:
        UserError: as `fit` and the executor; before the first training where possible.
    """
    tasks = [make(whole) for make in makes]
    for task in tasks:
        check(task)
    earlier = None
    if whole.settings.resume:
        earlier = whole.run.earlier_results(config, tasks[0].train)
    whole.run.write_config(config, earlier)
    jobs = [
        Job(task, make, _title(number, len(tasks), task))
        for number, (task, make) in enumerate(zip(tasks, makes, strict=True), start=1)
    ]
    yield from executor.train(whole, jobs, console)


def _title(number, of, task):
    return (
        f"{number} of {of} · {task.model_name}: {_named(task.train.names)}; "
        f"{len(task.train):,} faces to train, {len(task.valid):,} to validate, up to "
        f"{command_line.counted(task.recipe.epochs, 'epoch')}"
    )


def _named(names):
    return "all keypoints" if names == keypoint_schema.NAMES else ", ".join(names)
