"""Measures during training how labels lie beside mirror-symmetric ones, for flips to keep it so."""

from collections.abc import Callable

import keras
import numpy as np

FIRST_EPOCHS = 5  # before, a net is too far off to tell
FACTOR = 3  # then after 15, 45, … epochs, for it keeps growing more accurate


class MirrorOffsets(keras.callbacks.Callback):
    """Fills the table of offsets that the flips of later epochs use.

    An epoch's first batches are made while the one before still runs, so that a measurement counts
    from the epoch after the next: which batch is made with which offset never depends on timing.

    Args:
        table: a variable `(epochs, K, 2)`, an offset an epoch.
        measure: called without arguments after an epoch; returns `(K, 2)`.
    """

    def __init__(self, table, measure: Callable[[], np.ndarray]):
        super().__init__()
        self.table = table
        self.measure = measure

    def on_epoch_end(self, epoch, logs=None):
        first = epoch + 2
        if first >= self.table.shape[0] or not _is_due(epoch + 1):
            return
        offsets = np.array(self.table)
        offsets[first:] = self.measure()
        self.table.assign(offsets)


def _is_due(epochs):
    due = FIRST_EPOCHS
    while due < epochs:
        due *= FACTOR
    return due == epochs
