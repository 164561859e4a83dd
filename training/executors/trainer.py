"""Trains one net of a run in a worker, wherever that is."""

import pathlib
import traceback
from collections.abc import Callable

import rich.console

import atomic_write
from errors import UserError, first_line
from trained_nets import run_lock
from training.executors import run_log
from training.executors.shipment import Shipment
from training.fit import fit


def train(
    make: Callable,
    title: str,
    shipment: Shipment,
    log_file: pathlib.Path,
    send: Callable[[str], None],
    patience: float = 0.0,
) -> str | None:
    """Trains a net into its run folder, or goes on with what a killed worker left there.

    Args:
        make: makes its task from that of the whole run.
        title: the line above its epochs.
        shipment: the whole run's task.
        log_file: where all that it prints is appended.
        send: takes each line.
        patience: seconds to wait for a worker that trains there and is about to end.

    Returns:
        Why it failed; None if it did not. If Ctrl-C or SIGTERM stopped it, the results in the run
        folder say so.
    """
    try:
        with run_log.kept(log_file) as log:
            try:
                _train(make, title, shipment, run_log.Lines(log, send), patience)
            except UserError:
                raise
            except Exception:
                traceback.print_exc(file=log)
                raise
    except KeyboardInterrupt:
        return None
    except UserError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {first_line(error)} (more in {log_file})."
    return None


def _train(make, title, shipment, lines, patience):
    console = rich.console.Console(file=lines, soft_wrap=True, highlight=False, markup=False)
    task = make(shipment.unpack())
    # The parent holds the lock of the whole run, but may have been killed, and started again.
    with run_lock.held(task.run, patience):
        atomic_write.remove_leftovers(task.run.path)
        console.print(title, style="bold")
        fit(task, console)
