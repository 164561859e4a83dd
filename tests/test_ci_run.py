"""`.ci/run` fails if any of its commands does; stand-ins take their places."""

import os
import shutil
import subprocess

import pytest

from tests import ROOT

STEPS = ("python3", "pip", "python", "ruff", "lint-imports")


@pytest.fixture
def run(tmp_path):
    """Runs a copy of it in which one step fails; returns its exit status."""
    script = tmp_path / ".ci" / "run"
    programs = tmp_path / ".venv" / "bin"
    for folder in (script.parent, programs):
        folder.mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", script)

    def run(failing):
        for name in STEPS:
            program = programs / name
            program.write_text(f"#!/bin/sh\nexit {int(name == failing)}\n")
            program.chmod(0o755)
        path = os.pathsep.join((str(programs), os.environ["PATH"]))
        return subprocess.run([script], env={**os.environ, "PATH": path}).returncode

    return run


@pytest.mark.parametrize("failing", STEPS)
def test_it_fails_where_a_step_does(run, failing):
    assert run(failing) == 1


def test_it_passes_where_all_steps_do(run):
    assert run(None) == 0
