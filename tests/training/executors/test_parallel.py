"""What does not need other processes: order, what is sent, and what comes back."""

import dataclasses
import functools
import os
import pickle

import numpy as np
import pytest
import rich.console

import data_pipeline
import models
from errors import UserError
from tests.run_fixtures import write_run
from trained_nets.loading import load_keras_net
from trained_nets.run_folder import RunFolder
from training.executors import mapped_arrays, run_log, trainer
from training.executors.job import Job
from training.executors.parallel import End, FailedTrainingsError, Parallel
from training.executors.shipment import Shipment
from training.task import Settings, Task, configuration


def make_task(epochs, whole):
    recipe = models.override("net1", whole.recipe, {"epochs": epochs})
    name = f"after{epochs}"
    return Task(
        "net1", name, recipe, whole.train, whole.valid, whole.run.part(name), whole.settings
    )


@pytest.fixture
def whole(small_folder, tmp_path):
    train, valid = data_pipeline.split(data_pipeline.load_faces(small_folder), 1, 0.2)
    recipe = models.find_recipe("net1", None)
    return Task(
        "net1", "net1", recipe, train, valid, RunFolder(tmp_path / "run"), Settings(1, "float32")
    )


class Recorder:
    """A way to train that writes results at once, except for those that fail."""

    def __init__(self, failures):
        self.failures, self.names = failures, []

    def run(self, shipment, jobs, show):
        for job in jobs:
            self.names.append(job.name)
            show(job.name, "[3] says so")
            if job.name not in self.failures:
                results = {"epochs_run": 1, "seconds": 1.0, "finished": True}
                job.task.run.write_config(configuration(job.task), results)
        return End(self.failures)


def train_with(failures, whole):
    way, console = Recorder(failures), rich.console.Console(record=True, width=80)
    jobs = []
    for epochs in (2, 5, 3):
        make = functools.partial(make_task, epochs)
        jobs.append(Job(make(whole), make, "title"))
    executor = Parallel(way)
    return way, executor, console, executor.train(whole, jobs, console)


def test_the_longest_training_starts_first_and_results_keep_their_order(whole):
    way, executor, console, trained = train_with({"after5": "why"}, whole)
    assert [each.task.model_name for each in trained] == ["after2", "after3"]
    assert way.names == ["after5", "after3", "after2"]
    assert executor.failures == {"after5": "why"}
    assert "after5  [3] says so" in console.export_text()


def test_if_all_fail_that_is_the_error(whole):
    *_, trained = train_with({f"after{epochs}": f"why{epochs}." for epochs in (2, 3, 5)}, whole)
    with pytest.raises(
        FailedTrainingsError, match="3 trainings failed. after2: why2. after5: why5"
    ):
        list(trained)


def test_arrays_come_back_the_same_and_read_only(tmp_path):
    value = {"many": np.arange(6.0).reshape(2, 3), "none": np.zeros((0, 2), np.uint8), "text": "x"}
    mapped = pickle.loads(pickle.dumps(mapped_arrays.store(value, tmp_path)))
    found = mapped_arrays.load(mapped)
    assert found["text"] == "x"
    for name in ("many", "none"):
        np.testing.assert_array_equal(found[name], value[name])
        assert found[name].dtype == value[name].dtype
    assert not found["many"].flags.writeable


def test_nets_are_sent_by_their_paths_and_must_stay_the_same(whole, tmp_path):
    write_run(tmp_path / "teacher", whole.train)
    teacher = load_keras_net(tmp_path / "teacher")
    settings = dataclasses.replace(whole.settings, teacher=teacher)
    pickled = pickle.dumps(Shipment.of(dataclasses.replace(whole, settings=settings)))
    unpacked = pickle.loads(pickled).unpack()
    assert unpacked.settings.warm_start is None
    assert unpacked.settings.teacher.origin == teacher.origin
    assert unpacked.settings.teacher.weights_digest == teacher.weights_digest
    write_run(tmp_path / "teacher", whole.train, offset=1.0)
    with pytest.raises(UserError, match="have changed since the training began"):
        pickle.loads(pickled).unpack()


def test_a_bug_is_one_reason_and_a_traceback_in_the_log(whole, tmp_path):
    def make(_):
        raise RuntimeError("a bug\nwith details")

    log = tmp_path / "log.txt"
    reason = trainer.train(make, "title", Shipment.of(whole), log, lambda line: None)
    assert reason == f"RuntimeError: a bug (more in {log})."
    assert "Traceback" in log.read_text()


def test_lines_go_to_the_log_and_whole_ones_to_the_parent(tmp_path, capfd):
    sent = []
    with run_log.kept(tmp_path / "log.txt") as log:
        lines = run_log.Lines(log, sent.append)
        lines.write("\none\ntw")
        lines.write("o\n")
        os.write(2, b"a library's own\n")
    os.write(2, b"after\n")
    assert sent == ["one", "two"]
    assert (tmp_path / "log.txt").read_text() == "\none\ntwo\na library's own\n"
    assert capfd.readouterr().err == "after\n"
