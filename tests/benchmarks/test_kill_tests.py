"""A few of the kills of `python -m benchmarks.kill_tests`, in the process that they need."""

import subprocess
import sys

import pytest

from tests import ROOT


@pytest.mark.skipif(sys.platform != "linux", reason="the kill tests fork, as Linux can")
def test_a_few_kills_are_survived():
    """Of folds, two jobs and the cache; exports are killed at chosen moments in test_publishing."""
    command = [sys.executable, "-m", "benchmarks.kill_tests", "--kills", "10"]
    command += ["--only", "folds", "jobs", "cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("2 kills of ") == 2
    assert "4 kills of the data cache's writing survived" in done.stdout
