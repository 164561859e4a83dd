import os
import pathlib
import subprocess
import sys

import pytest

import command_line
from errors import UserError

ROOT = pathlib.Path(__file__).parents[1]


def exit_status(main):
    with pytest.raises(SystemExit) as stop:
        command_line.run(main)
    return stop.value.code


def fail_with(error):
    def main():
        raise error

    return main


def test_a_mistake_is_one_line_and_status_2(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/somewhere/train.py"])
    assert exit_status(fail_with(UserError("No such\n  thing."))) == 2
    assert capsys.readouterr().err == "train.py: error: No such thing.\n"


def test_ctrl_c_has_status_130():
    assert exit_status(fail_with(KeyboardInterrupt())) == 130


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ValueError, match="a bug"):
        command_line.run(fail_with(ValueError("a bug")))


def test_the_status_of_main_is_passed_on():
    assert exit_status(lambda: 3) == 3
    assert exit_status(lambda: None) is None


def test_a_reader_that_went_away_is_no_error():
    script = "import command_line\ncommand_line.run(lambda: print('x' * 10**6))"
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


@pytest.mark.parametrize("script", ["train.py", "evaluate.py", "predict.py", "export.py"])
def test_help_needs_no_tensorflow(script):
    # -X importtime names every imported module on stderr.
    done = subprocess.run(
        [sys.executable, "-X", "importtime", script, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "examples:" in done.stdout
    assert "tensorflow" not in done.stderr


def test_tensorflow_starts_quietly_and_other_lines_come_through():
    script = (
        "import os, command_line\n"
        "command_line.start_quietly()\n"
        "import tensorflow as tf\n"
        "tf.constant(1.0)\n"
        "os.write(2, b'I0000 00:00:1.1  1 later lines are not touched\\n')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stderr == "I0000 00:00:1.1  1 later lines are not touched\n"
