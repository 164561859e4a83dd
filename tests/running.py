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
