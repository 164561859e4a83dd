"""Trains one net after another in this process, on all cores."""

import dataclasses
import gc
from collections.abc import Iterator, Sequence

import rich.console

from training.executors.job import Job, Trained
from training.fit import fit


class Serial:
    """The first failure ends it, so `failures`, as `Parallel` has them, stays empty."""

    def __init__(self):
        self.failures = {}

    def train(self, whole, jobs: Sequence[Job], console: rich.console.Console) -> Iterator[Trained]:
        """Trains nets; Ctrl-C ends it, and the net in training comes last if it has weights.

        Args:
            whole: the whole run's task.
            jobs: its nets.
            console: where tables and the progress bar go.

        Yields:
            Each net as its training ends.

        Raises:
            UserError: as `fit`.
            KeyboardInterrupt: if no net has completed an epoch.
        """
        for number, job in enumerate(with_later_steps(jobs)):
            console.print(f"\n{job.title}", style="bold")
            gc.collect()  # the net before this one, which has cycles
            try:
                results = fit(job.task, console)
            except KeyboardInterrupt:  # before its first epoch ended
                if number == 0:
                    raise
                return
            yield Trained(job.task, results)
            if not results.finished:
                return


def with_later_steps(jobs: Sequence[Job]) -> list[Job]:
    """Returns the jobs, the task of each with the number of steps of those that follow."""
    later, result = 0, []
    for job in reversed(jobs):
        task = dataclasses.replace(job.task, later_steps=later)
        result.insert(0, dataclasses.replace(job, task=task))
        later += task.steps_per_epoch * task.recipe.epochs
    return result
