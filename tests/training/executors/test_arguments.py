"""What --jobs and --cluster refuse, each in one line, and how many jobs there are without them."""

import importlib.util

import pytest

import child_processes
from training.arguments import parse_arguments
from training.executors import choice

SPECIALISTS = ("--model", "specialists", "--architecture", "net1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((*SPECIALISTS, "--jobs", 0), "--jobs: must be a whole number, at least 1"),
        (("--model", "net1", "--jobs", 2), "--jobs is for several nets"),
        (("--model", "net1", "--cluster", "auto"), "--cluster is for several nets"),
        ((*SPECIALISTS, "--jobs", 2, "--cluster", "auto"), "not allowed with argument --jobs"),
        ((*SPECIALISTS, "--cluster", "auto"), "--cluster needs Ray, which is an extra"),
    ],
)
def test_what_cannot_be_is_told(options, message, start_train, tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *other: None if name == "ray" else find(name, *other),
    )
    assert start_train(*options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.iterdir())


def test_one_job_for_a_single_net_is_what_it_is_anyway(start_train, tmp_path):
    assert start_train("--model", "net1", "--epochs", 1, "--jobs", 1) == 0
    assert not (tmp_path / "net1/log.txt").exists()


@pytest.mark.parametrize(
    ("options", "cores", "jobs"),
    [
        (SPECIALISTS, 2, [2]),
        (SPECIALISTS, 64, [6]),
        (SPECIALISTS, 1, []),
        ((*SPECIALISTS, "--jobs", "1"), 2, []),
        ((*SPECIALISTS, "--jobs", "3"), 2, [3]),
        ((*SPECIALISTS, "--epochs", "1"), 2, []),
        ((*SPECIALISTS, "--data", "faces"), 2, []),
        ((*SPECIALISTS, "--devices", "all"), 2, []),
        (("--model", "net1", "--folds", "3"), 8, [3]),
        (("--model", "net1"), 8, []),
    ],
)
def test_only_a_first_look_trains_several_nets_at_a_time_unasked(options, cores, jobs, monkeypatch):
    processes = []
    monkeypatch.setattr(choice, "Processes", lambda number, gpus: processes.append(number))
    monkeypatch.setattr(child_processes, "count_cores", lambda: cores)
    choice.choose(parse_arguments(list(options)))
    assert processes == jobs
