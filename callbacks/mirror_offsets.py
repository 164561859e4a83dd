"""Measures during training how far labels are from mirror-symmetric, for flips to allow for it."""

from collections.abc import Callable

import keras
import numpy as np

FIRST_EPOCHS = 5  # before that, a net is too inaccurate to measure it
FACTOR = 3  # then after 15, 45, … epochs, as the net grows more accurate


class MirrorOffsets(keras.callbacks.Callback):
    """Fills the table of offsets that the flips of later epochs use.

    An epoch's first batches are made while the previous epoch still runs, so a measurement applies
    from the epoch after the next: then the offset used for a batch never depends on timing.

    Args:
        table: a variable `(epochs, K, 2)`, one offset per epoch.
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
