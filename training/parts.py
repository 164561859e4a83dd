"""Trains the nets that together make one run: specialists, or the nets of folds."""

import dataclasses
import gc
from collections.abc import Iterator, Sequence

import keras
import rich.console

import command_line
import keypoint_schema
from trained_nets.run_folder import RunFolder
from training.fit import check, fit
from training.results import Results
from training.task import Task


@dataclasses.dataclass(frozen=True)
class Trained:
    """One trained net of a run.

    Attributes:
        task: what was trained.
        model: with its best weights.
        results: how it ended.
    """

    task: Task
    model: keras.Model
    results: Results


def fit_parts(
    run: RunFolder, config: dict, tasks: Sequence[Task], console: rich.console.Console
) -> Iterator[Trained]:
    """Trains, one after another, the nets that are not finished yet.

    Ctrl-C ends it: the net in training is yielded last, if it has completed an epoch.

    Args:
        run: the folder of the whole run.
        config: its configuration.
        tasks: one for each net.
        console: where tables and the progress bar go.

    Yields:
        Each net as its training ends.

    Raises:
        UserError: as `fit`; before the first training where possible.
    """
    for task in tasks:
        check(task)
    resume = tasks[0].settings.resume
    run.write_config(config, run.earlier_results(config, tasks[0].train) if resume else None)
    for number, task in enumerate(with_later_steps(tasks), start=1):
        console.print(
            f"\n[bold]{number} of {len(tasks)} · {task.model_name}[/]: "
            f"{_named(task.train.names)}; {len(task.train):,} faces to train, "
            f"{len(task.valid):,} to validate, up to "
            f"{command_line.counted(task.recipe.epochs, 'epoch')}"
        )
        gc.collect()  # the net before this one, which has cycles
        try:
            model, results = fit(task, console)
        except KeyboardInterrupt:  # before its first epoch ended
            if number == 1:
                raise
            return
        yield Trained(task, model, results)
        if not results.finished:
            return


def _named(names):
    return "all keypoints" if names == keypoint_schema.NAMES else ", ".join(names)


def with_later_steps(tasks: Sequence[Task]) -> list[Task]:
    """Returns the tasks, each with the number of steps of those that follow."""
    later, result = 0, []
    for task in reversed(tasks):
        result.insert(0, dataclasses.replace(task, later_steps=later))
        later += task.steps_per_epoch * task.recipe.epochs
    return result
