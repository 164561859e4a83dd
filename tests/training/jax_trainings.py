"""Runs train.py on JAX, again and again in one process; `tests.training.on_jax` starts it."""

import contextlib
import json
import os
import signal
import sys

import pytest

import tensorflow_start


def main():
    """Reads a list of trainings from stdin, as JSON, and writes the status of each to stdout.

    Each is a dict of `options` and of the epochs, from 0, at the end of which the training is
    `killed_in`, as `killed_in_epoch` does it, or process 1 of several `dies_in`; or the step, from
    0, that it is `interrupted_in` by Ctrl-C. None for neither.
    """
    tensorflow_start.start_quietly()
    import keras

    import callbacks
    import train
    from tests import narrow_nets
    from tests.killing import killed_in_epoch
    from tests.running import run_script

    def die(self, epoch, logs=None):
        if epoch == dies_in and os.environ["KERAS_DISTRIBUTION_PROCESS_ID"] == "1":
            os.kill(os.getpid(), signal.SIGKILL)

    def interrupted(make, step):
        def make_interrupted(self, force=False):
            make(self, force)
            take_step, taken = self.train_function, []

            def take_step_or_stop(*arguments):
                done = take_step(*arguments)
                taken.append(done)
                if len(taken) > step:
                    raise KeyboardInterrupt  # before Keras has what the step returned
                return done

            self.train_function = take_step_or_stop

        return make_interrupted

    statuses = []
    with contextlib.redirect_stdout(sys.stderr), pytest.MonkeyPatch.context() as monkeypatch:
        narrow_nets.put_into_zoo(monkeypatch)
        for training in json.load(sys.stdin):
            killed_in, dies_in = training["killed_in"], training["dies_in"]
            with contextlib.ExitStack() as stack:
                if killed_in is not None:
                    stack.enter_context(killed_in_epoch(killed_in, monkeypatch))
                if dies_in is not None:
                    monkeypatch.setattr(callbacks.EpochTable, "on_epoch_end", die)
                    monkeypatch.setattr(callbacks.resume, "SECONDS_BETWEEN_SAVES", 0.0)
                if (step := training["interrupted_in"]) is not None:
                    patch = stack.enter_context(pytest.MonkeyPatch.context())
                    make = interrupted(keras.Model.make_train_function, step)
                    patch.setattr(keras.Model, "make_train_function", make)
                statuses.append(run_script(train, *training["options"]))
            statuses += ["killed"] * (killed_in is not None)
    print(json.dumps(statuses))


if __name__ == "__main__":
    main()
