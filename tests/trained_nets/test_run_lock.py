"""Two processes never train into one folder, and a kill leaves no stale lock."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from errors import UserError
from tests import ROOT
from trained_nets import run_lock
from trained_nets.run_folder import RunFolder

HOLDER = """
    import sys, time
    from trained_nets import run_lock
    from trained_nets.run_folder import RunFolder

    with run_lock.held(RunFolder(sys.argv[1])):
        print("held", flush=True)
        time.sleep(600)
"""


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_second_training_into_a_folder_is_refused(tmp_path):
    run = RunFolder(tmp_path / "runs" / "net1")
    with run_lock.held(run):
        with (
            pytest.raises(UserError, match="Another process is training into .*net1"),
            run_lock.held(run),
        ):
            pass
        with run_lock.held(RunFolder(tmp_path / "runs" / "net2")):
            pass
    assert names_in(tmp_path / "runs") == []
    with run_lock.held(run):
        pass


def test_who_has_patience_gets_the_lock_when_its_process_ends(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), tmp_path / "net1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        threading.Timer(0.5, process.kill).start()
        with run_lock.held(RunFolder(command[3]), patience=60):
            assert process.wait(10) == -signal.SIGKILL


def test_the_lock_ends_with_its_process_however_it_ends(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(HOLDER), tmp_path / "net1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with (
            pytest.raises(UserError, match="Another process"),
            run_lock.held(RunFolder(command[3])),
        ):
            pass
        process.send_signal(signal.SIGKILL)
    assert names_in(tmp_path) == [".lock-net1"]
    with run_lock.held(RunFolder(command[3])):
        pass
    assert names_in(tmp_path) == []


def test_a_lock_file_deleted_by_its_owner_is_no_lock(tmp_path, monkeypatch):
    """Its owner ended between the opening and the locking of the file."""
    file, flock = tmp_path / ".lock-net1", fcntl.flock
    opened = []

    def owner_ends(descriptor, operation):
        flock(descriptor, operation)
        if not opened:
            file.unlink()
        opened.append(descriptor)

    monkeypatch.setattr(fcntl, "flock", owner_ends)
    with run_lock.held(RunFolder(tmp_path / "net1")):
        assert len(opened) == 2
        assert file.exists()


def test_without_locks_in_the_file_system_training_goes_on_with_a_note(
    tmp_path, monkeypatch, capsys
):
    def unsupported(descriptor, operation):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with run_lock.held(RunFolder(tmp_path / "net1")):
        pass
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot be locked (No locks available). Make sure yourself" in line


def test_without_fcntl_training_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, "fcntl", None)
    with run_lock.held(RunFolder(tmp_path / "net1")), run_lock.held(RunFolder(tmp_path / "net1")):
        assert names_in(tmp_path) == []
