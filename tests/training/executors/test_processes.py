"""train.py --jobs, with processes that are killed, stopped, or fail."""

import os
import pathlib
import signal
import sys
import time

import pytest

import train
from benchmarks.run_contents import differing
from tests.running import results_of, run_script, workers_of
from tests.training.executors.conftest import folds, wait_for_rows
from trained_nets import run_lock
from trained_nets.run_folder import RunFolder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


def processor_seconds(process):
    """The time of a running process, without its children."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def ended(training):
    """Waits; returns output, errors, and the time of the process with all its children."""
    output, errors = training.stdout.read(), training.stderr.read()
    _, status, used = os.wait4(training.pid, 0)
    training.returncode = os.waitstatus_to_exitcode(status)
    return output, errors, used.ru_utime + used.ru_stime


def is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in pathlib.Path(f"/proc/{process}/status").read_text()


def test_a_killed_worker_is_replaced_and_nothing_differs(begin, trained_alone, tmp_path):
    training = begin(tmp_path, "--jobs", 2)
    wait_for_rows(training, ("fold1", "fold2"))
    os.kill(workers_of(training.pid)[0], signal.SIGKILL)
    output, errors = training.communicate(timeout=300)
    assert training.returncode == 0, errors
    assert output.count("Its process was killed; a new one goes on.") == 1
    assert output.count("Continuing after epoch") == 1
    run = tmp_path / "net1"
    assert not differing(run, trained_alone)
    logs = "".join((run / name / "log.txt").read_text() for name in ("fold1", "fold2"))
    assert logs.count("Continuing after epoch") == 1
    assert logs.count("\n     60    ") == 2
    assert not list(run.rglob(".*"))


def test_what_sigterm_stopped_and_what_failed_goes_on(
    begin, trained_alone, small_folder, tmp_path, capsys
):
    run = tmp_path / "net1"
    training = begin(tmp_path, "--jobs", 2)
    wait_for_rows(training, ("fold1", "fold2"))
    before = sum(map(processor_seconds, (training.pid, *workers_of(training.pid))))
    training.send_signal(signal.SIGTERM)
    output, errors, seconds = ended(training)
    assert (seconds - before) / 2 < 5  # for two processes at once
    assert training.returncode == 130
    assert "Traceback" not in errors
    assert "--resume to go on" in output
    for name in ("fold1", "fold2"):
        assert 3 <= results_of(run / name)["epochs_run"] < 60
    # One that cannot be trained does not keep the other from its end.
    with run_lock.held(RunFolder(run / "fold1")):
        assert run_script(train, *folds(small_folder, tmp_path), "--jobs", 2, "--resume") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "1 training failed. fold1: Another process is training into" in line
    assert not results_of(run / "fold1")["finished"]
    assert results_of(run / "fold2")["finished"]
    again = begin(tmp_path, "--resume")
    output, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors
    assert output.count("is finished already") == 1
    assert not differing(run, trained_alone)


def test_workers_end_with_their_parent(begin, tmp_path):
    training = begin(tmp_path, "--jobs", 2)
    wait_for_rows(training, ("fold1",), epoch=1)
    workers = workers_of(training.pid)
    training.kill()
    training.communicate()
    deadline = time.monotonic() + 20
    while any(map(is_running, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers
    assert not any(map(is_running, workers))
