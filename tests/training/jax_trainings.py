"""Runs train.py on JAX, again and again in one process; test_devices starts it."""

import contextlib
import json
import sys

import pytest

import command_line


def main():
    """Reads a list of trainings from stdin, as JSON, and writes the status of each to stdout.

    Each is a dict of `options` and, for one that is to be killed, the epoch in which, `killed_in`.
    """
    command_line.start_quietly()
    import train
    from tests import narrow_nets
    from tests.killing import killed_in_epoch
    from tests.running import run_script

    statuses = []
    with contextlib.redirect_stdout(sys.stderr), pytest.MonkeyPatch.context() as monkeypatch:
        narrow_nets.put_into_zoo(monkeypatch)
        for training in json.load(sys.stdin):
            epoch = training["killed_in"]
            kill = (
                contextlib.nullcontext() if epoch is None else killed_in_epoch(epoch, monkeypatch)
            )
            with kill:
                statuses.append(run_script(train, *training["options"]))
            statuses += ["killed"] * (epoch is not None)
    print(json.dumps(statuses))


if __name__ == "__main__":
    main()
