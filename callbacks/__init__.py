"""Schedules, best-weight early stopping, divergence, the epoch table, the history, resume."""

from callbacks.averaging import AveragingWindow
from callbacks.best_weights import BestWeights
from callbacks.epoch_table import EpochTable
from callbacks.history_csv import HistoryCSV, read_history
from callbacks.mirror_offsets import MirrorOffsets
from callbacks.nesterov import NesterovSGD
from callbacks.resume import ResumeState
from callbacks.schedules import LinearSchedule
from callbacks.stop_at_divergence import StopAtDivergence
from callbacks.swallowed_interrupts import SwallowedInterrupts

__all__ = [
    "AveragingWindow",
    "BestWeights",
    "EpochTable",
    "HistoryCSV",
    "LinearSchedule",
    "MirrorOffsets",
    "NesterovSGD",
    "ResumeState",
    "StopAtDivergence",
    "SwallowedInterrupts",
    "read_history",
]
