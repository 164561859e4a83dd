"""Starts trainings of narrow nets on JAX, in processes of their own."""

import json
import os
import socket
import subprocess
import sys

from tests import ROOT


def training(name, *options, killed_in=None, dies_in=None, interrupted_in=None):
    """One run of train.py, as `tests.training.jax_trainings` takes it."""
    options = ["--name", name, *map(str, options)]
    ends = {"killed_in": killed_in, "dies_in": dies_in, "interrupted_in": interrupted_in}
    return {"options": options} | ends


def compiling_little(folder):
    """The variables with which JAX takes less time to compile, which is most of these trainings'.

    What one of them has compiled, and left in the folder, the next ones need not.
    """
    return {
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }


def start(trainings, small_folder, runs, devices=1, process=None, port=None):
    """Starts a process that trains on virtual devices of the CPU, into the folder `runs`.

    Those that name no data get that of `small_folder`.

    Args:
        process: its number among two that train together; None if it is alone.
        port: at which these meet.
    """
    places = ["--runs", str(runs), "--precision", "float32"]
    trainings = [one | {"options": [*one["options"], *places]} for one in trainings]
    for one in trainings:
        if "--data" not in one["options"]:
            one["options"] += ["--data", str(small_folder)]
    environment = os.environ | {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
        **compiling_little(runs),
    }
    if process is not None:
        environment |= {
            "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{port}",
            "KERAS_DISTRIBUTION_NUM_PROCESSES": "2",
            "KERAS_DISTRIBUTION_PROCESS_ID": str(process),
        }
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.training.jax_trainings"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started.stdin.write(json.dumps(trainings))
    started.stdin.close()
    started.stdin = None  # `communicate` would close it again
    return started


def start_two(trainings, *places, **settings):
    """Starts two processes that train together."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return [start(trainings, *places, **settings, process=each, port=port) for each in (0, 1)]
