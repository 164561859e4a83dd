"""training/variants.py: what it yields and raises, whatever the executor."""

import dataclasses

import pytest
import rich.console

import data_pipeline
import models
from errors import FailedError
from trained_nets.run_folder import RunFolder
from training.executors.job import Trained
from training.executors.parallel import FailedTrainingsError
from training.results import Results
from training.task import Settings
from training.variants import Variant, VariantsTask, fit_variants


class Executor:
    """Ends trainings at once, as it is told to; the others fail."""

    def __init__(self, **finished):
        self._finished, self.failures = finished, {}

    def train(self, whole, jobs, console):
        self.jobs = jobs
        left = {job.name: "no memory." for job in jobs if job.name not in self._finished}
        self.failures = left
        if not self._finished:
            raise FailedTrainingsError(left, whole.run)
        for job in jobs:
            if job.name in self._finished:
                yield Trained(job.task, Results(1, 1.0, self._finished[job.name]))


@pytest.fixture
def task(small_folder, tmp_path):
    data = data_pipeline.load_faces(small_folder)
    splits = {seed: data_pipeline.split(data, seed) for seed in (4, 7)}
    return VariantsTask("net1", splits, RunFolder(tmp_path), Settings(4, "float32"))


def fit(task, executor):
    """Yields the names of two variants that are trained."""
    recipe = models.find_recipe("net1")
    variants = [
        Variant("all", dataclasses.replace(recipe, rows="labelled"), 4),
        Variant("whole", dataclasses.replace(recipe, rows="complete"), 7),
    ]
    for trained in fit_variants(task, variants, rich.console.Console(quiet=True), executor):
        yield trained.task.model_name


def test_each_has_its_recipe_its_seed_and_its_split(task):
    executor = Executor(all=True, whole=True)
    assert list(fit(task, executor)) == ["all", "whole"]
    first, second = (job.task for job in executor.jobs)
    assert (first.settings.seed, second.settings.seed) == (4, 7)
    assert (first.run.path, second.run.path) == (task.run.path / "all", task.run.path / "whole")
    train, valid = task.splits[4]
    assert (len(first.train), first.valid) == (len(train), valid)
    train, valid = task.splits[7]
    assert (len(second.train), second.valid) == (len(train.usable("complete")), valid)
    assert len(second.train) < len(train)


def test_failures_are_told_after_the_others_without_advice_to_resume(task):
    names = fit(task, Executor(all=True))
    assert next(names) == "all"
    with pytest.raises(FailedError, match="^whole: no memory.$"):
        next(names)


def test_if_all_fail_each_reason_is_told(task):
    with pytest.raises(FailedError, match="^all: no memory. whole: no memory.$"):
        next(fit(task, Executor()))


def test_ctrl_c_is_told_after_those_that_are_finished(task):
    names = fit(task, Executor(all=True, whole=False))
    assert next(names) == "all"
    with pytest.raises(KeyboardInterrupt):
        next(names)
