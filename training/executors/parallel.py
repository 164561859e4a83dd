"""Trains several nets at a time, in other processes."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import rich.console
import rich.text

import command_line
from errors import FailedError
from trained_nets.run_folder import RunFolder
from training.executors.job import Job, Trained
from training.executors.shipment import Shipment
from training.fit import finished_earlier
from training.results import Results

KILLED_TWICE = "its process was killed twice, perhaps for lack of memory."


class FailedTrainingsError(FailedError):
    """Some nets of a run could not be trained."""

    def __init__(self, failures: Mapping[str, str], run: RunFolder):
        reasons = " ".join(f"{name}: {reason}" for name, reason in failures.items())
        super().__init__(
            f"{command_line.counted(len(failures), 'training')} failed. {reasons} What the others "
            f"learned is in {run.path}; --resume tries again what is left."
        )


@dataclasses.dataclass(frozen=True)
class End:
    """How trainings ended.

    Attributes:
        failures: why nets could not be trained, by name.
        interrupted: whether Ctrl-C or SIGTERM ended them.
    """

    failures: Mapping[str, str]
    interrupted: bool = False


class Way(Protocol):
    """Where the other processes are."""

    def run(self, shipment: Shipment, jobs: Sequence[Job], show: Callable[[str, str], None]) -> End:
        """Trains nets into their run folders.

        Args:
            shipment: what all of them need.
            jobs: the nets, those first that should be started first.
            show: takes a net's name and a line that its training printed.
        """


class Parallel:
    """Trains the nets of a run at the same time, and passes on what each prints.

    Attributes:
        failures: why nets could not be trained, by name; the others are trained all the same.
    """

    def __init__(self, way: Way):
        self._way = way
        self.failures = {}

    def train(self, whole, jobs: Sequence[Job], console: rich.console.Console) -> Iterator[Trained]:
        """Trains nets; Ctrl-C ends all.

        Args:
            whole: the whole run's task.
            jobs: its nets.
            console: where the lines of all trainings go.

        Yields:
            The nets that have weights, in the order of the jobs, once the last training has ended.

        Raises:
            FailedTrainingsError: if trainings failed, and none got weights.
            KeyboardInterrupt: if Ctrl-C ended all before they got weights.
        """
        left = [job for job in jobs if not finished_earlier(job.task, console)]
        # The longest first, so that none is left over at the end.
        left.sort(key=lambda job: job.images, reverse=True)
        width = max((len(job.name) for job in left), default=0)

        def show(name, line):
            console.print(rich.text.Text(f"{name:{width}}  {line}"))

        end = self._way.run(Shipment.of(whole), left, show) if left else End({})
        order = [job.name for job in jobs]
        self.failures = dict(sorted(end.failures.items(), key=lambda each: order.index(each[0])))
        results = {job.name: _results(job) for job in jobs if job.name not in self.failures}
        if not any(results.values()):
            if end.interrupted:
                raise KeyboardInterrupt
            raise FailedTrainingsError(self.failures, whole.run)
        for job in jobs:
            if results.get(job.name):
                yield Trained(job.task, results[job.name])


def _results(job):
    """Reads a net's results from its run folder, which are the same in every process."""
    run = job.task.run
    found = run.read_config().get("results") if run.config_file.exists() else None
    return Results.from_json(found) if found else None
