"""Keeps two processes from training into the same run folder."""

import contextlib
import os
import pathlib
import time

import atomic_write
import command_line
from errors import UserError
from trained_nets.run_folder import RunFolder

try:
    import fcntl
except ImportError:  # Windows has none, and gets no lock
    fcntl = None

# A worker outlives its node for a moment; where run folders are on NFS, a lost node's locks stay
# for the lease, which is 90 s by default.
SECONDS_OF_A_LOST_NODE_S_LOCK = 120.0
_SECONDS_BETWEEN_TRIES = 0.1


@contextlib.contextmanager
def held(run: RunFolder, patience: float = 0.0):
    """Lets no other process train into a run folder while the block runs; reading is free.

    The operating system holds the lock, on a file `.lock-<name>` beside the folder, and drops it
    when the process ends, however it ends. Where the file system has no locks, a note says so and
    training goes on without.

    Args:
        run: the run folder.
        patience: seconds to wait for a process that trains there to end.

    Raises:
        UserError: if another process still trains there, or the lock file cannot be written.
    """
    if fcntl is None:
        yield
        return
    file = run.path.with_name(f".lock-{run.path.name}")
    with atomic_write.refusals_named(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _lock(file, run, time.monotonic() + patience)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            file.unlink()
        os.close(descriptor)


def _lock(file: pathlib.Path, run: RunFolder, deadline: float) -> int:
    """Returns the descriptor that holds the lock."""
    while True:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            if time.monotonic() < deadline:
                time.sleep(_SECONDS_BETWEEN_TRIES)
                continue
            raise UserError(
                f"Another process is training into {run.path}. Wait for it to end, or choose "
                "another --name."
            ) from None
        except OSError as error:
            command_line.warn(
                f"{file} cannot be locked ({error.strerror}). Make sure yourself that no other "
                f"process trains into {run.path}."
            )
            return descriptor
        if _is_still_there(file, descriptor):
            return descriptor
        os.close(descriptor)  # its owner deleted it between our two calls


def _is_still_there(file, descriptor):
    try:
        return os.path.samestat(os.stat(file), os.fstat(descriptor))
    except FileNotFoundError:
        return False
