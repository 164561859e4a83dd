"""A training that is killed, as by the machine."""

import contextlib

import pytest

import callbacks


class Killed(BaseException):
    """Nothing in the project catches it, as nothing catches a kill."""


@contextlib.contextmanager
def killed_in_epoch(epoch, monkeypatch):
    """Kills the training in the block at the end of that epoch, counted from 0.

    It saves its state every epoch. Yields the context in which it is patched.
    """

    def kill(self, now, logs=None):
        if now == epoch:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.EpochTable, "on_epoch_end", kill)
        patch.setattr(callbacks.resume, "SECONDS_BETWEEN_SAVES", 0.0)
        with pytest.raises(Killed):
            yield patch
