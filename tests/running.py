"""Runs scripts, in the tests' own process or in others."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

import command_line
from tests import ROOT


def run_script(script, *options):
    """Runs a script's `main` as its command line would; returns the exit status.

    Args:
        script: its module.
        options: what is typed behind its name.
    """
    name = pathlib.Path(script.__file__).name
    with pytest.raises(SystemExit) as stop:
        command_line.run(script.main, name, [str(option) for option in options])
    return stop.value.code or 0


def workers_of(process):
    """The ids of the processes that train for a process, by their command lines."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            is_child = f"PPid:\t{process}\n" in status.read_text()
            command = (status.parent / "cmdline").read_text()
        except OSError:  # ended meanwhile
            continue
        if is_child and "spawn_main" in command:
            found.append(int(status.parent.name))
    return found


def heed_ctrl_c():
    """Called in a new process, lets Ctrl-C end it, as it would not in a shell's background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(*command, folder=ROOT, **environment):
    """Runs a script in a process of its own; returns it, with what it printed.

    Args:
        command: its path, and its options.
        folder: where it runs.
        environment: further variables.
    """
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )


def run_python(code, *arguments):
    """Runs Python code, which must not fail, in a process of its own; returns what it prints."""
    done = start("-c", code, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def results_of(run):
    """The results that a run folder's configuration holds."""
    return json.loads((run / "config.json").read_text())["results"]
