"""How TensorFlow and Keras start: quietly, on the backend asked for, with no more than needed."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys

import pytest

import tensorflow_start
from errors import UserError
from tests import ROOT
from tests.running import run_python, start


@pytest.mark.parametrize(
    "command",
    [
        ["train.py", "--model", "net1"],
        ["evaluate.py", "preset:heatmap_s"],
        ["predict.py", "preset:heatmap_s", "docs/figures/astronaut.png"],
    ],
)
def test_another_backend_is_refused_by_the_scripts(command):
    done = start(*command, KERAS_BACKEND="torch")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "KERAS_BACKEND must be one of tensorflow, jax. Received: 'torch'." in done.stderr


def test_export_runs_on_tensorflow_whatever_the_backend_is():
    done = start("export.py", "runs/nowhere", KERAS_BACKEND="torch")
    assert done.returncode == 2
    assert "runs/nowhere" in done.stderr


def test_jax_that_is_not_installed_is_named_with_its_extra(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install -e '\.\[jax\]'"):
        tensorflow_start.start_quietly()


@pytest.mark.parametrize("backend", ["", "tensorflow"])
def test_the_projects_own_backend_is_taken(backend, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    tensorflow_start.require_backend()


def test_no_garbage_of_tensorflow_is_looked_for_at_exit():
    """It takes a second, in which six interrupted trainings would be waited for."""
    program = (
        "import atexit, gc, tensorflow_start\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 100_000))\n"
        "tensorflow_start.start_quietly()"
    )
    assert run_python(program) == "True\n"


def test_training_starts_without_pandas_and_scikit_learn(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    script = (
        "import sys, tensorflow_start\n"
        "tensorflow_start.start_quietly()\n"
        "import training.command\n"
        "import data_pipeline.public\n"
        "print(sorted({'matplotlib', 'pandas', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    assert run_python(script) == "[]\n"


def test_tensorflow_backend_does_not_load_jax(monkeypatch):
    pytest.importorskip("jax")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    script = (
        "import sys, tensorflow_start\n"
        "tensorflow_start.start_quietly()\n"
        "print('jax' in sys.modules)\n"
        "import jax.numpy\n"
        "print(jax.numpy.arange(3).sum())"
    )
    assert run_python(script) == "False\n3\n"


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer of the system")
def test_ctrl_c_does_not_crash_tensorflow_where_it_makes_a_tensor_of_a_number():
    script = (
        "import signal, tensorflow_start\n"
        "tensorflow_start.start_quietly()\n"
        "import tensorflow as tf\n"
        "tf.constant(1.0)\n"
        "signal.signal(signal.SIGALRM, signal.default_int_handler)\n"
        "for i in range(5000):\n"
        "    try:\n"
        "        signal.setitimer(signal.ITIMER_REAL, 1e-4 + i % 97 * 2e-6)\n"
        "        while True:\n"
        "            tf.constant(1.25)\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
        "print('alive')"
    )
    assert run_python(script) == "alive\n"


def test_tensorflow_starts_quietly_and_other_lines_come_through():
    script = (
        "import os, tensorflow_start\n"
        "tensorflow_start.start_quietly()\n"
        "import tensorflow as tf\n"
        "tf.constant(1.0)\n"
        "os.write(2, b'I0000 00:00:1.1  1 later lines are not touched\\n')\n"
    )
    done = start("-c", script)
    assert done.returncode == 0
    assert done.stderr == "I0000 00:00:1.1  1 later lines are not touched\n"


def test_lines_of_noise_are_left_out_and_others_come_through_even_when_it_fails(capfd):
    def fail():
        with tensorflow_start.without_lines(re.compile(rb"noise.*")):
            os.write(2, b"noise of a library\nthe reason of a failure\n")
            raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        fail()
    assert capfd.readouterr().err == "the reason of a failure\n"


def test_a_persons_keras_json_changes_nothing(tmp_path):
    settings = {"backend": "torch", "image_data_format": "channels_first", "floatx": "float16"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    script = (
        "import tensorflow_start; tensorflow_start.start_quietly(); import keras;"
        "print(keras.backend.backend(), keras.config.image_data_format(), keras.config.floatx())"
    )
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment | {"KERAS_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["tensorflow", "channels_last", "float32"], done.stderr
