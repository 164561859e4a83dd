"""Runs scripts in the tests' own process."""

import pathlib

import pytest

import command_line


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
