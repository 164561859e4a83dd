"""The specialists' curves as RMSE, brought to one length, with their mean."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

import keypoint_schema
from evaluation.figures import style
from evaluation.history import History

_POINTS = 100  # of every curve, as in the tutorial
_VALUES = {each.name: 2 * len(each.keypoints) for each in keypoint_schema.SPECIALISTS}


@style.styled
def specialist_curves(histories: Mapping[str, History]) -> Figure:
    """Draws validation solid and train dashed, and the mean of validation by target values.

    Args:
        histories: by specialist; all with a validation loss.
    """
    figure = style.new_figure(9, 6)
    axes = figure.subplots()
    share = np.linspace(0, 100, _POINTS)
    curves = {name: _rescaled(history.table) for name, history in histories.items()}
    for color, (name, (train, valid)) in zip(style.CYCLE, curves.items(), strict=False):
        axes.plot(share, train, "--", color=color, linewidth=1.2, alpha=0.7)
        epochs = len(histories[name].table)
        counts = f"{_VALUES[name]} values, {epochs:,} epoch{'s' * (epochs != 1)}"
        label = f"{name.replace('_', ' ')} ({counts})"
        axes.plot(share, valid, "-", color=color, label=label)
    mean = weighted_mean({name: valid for name, (_, valid) in curves.items()})
    # Not the tables' RMSE, which pools all labels: some specialists have many more than others.
    label = f"mean by values, at the end {mean[-1]:.2f} px"
    axes.plot(share, mean, color=style.BLACK, linewidth=4, label=label)
    finals = [pair[i][-1] for pair in curves.values() for i in (0, 1)]
    highest = max(np.concatenate([np.concatenate(pair) for pair in curves.values()]))
    axes.set_ylim(0.85 * min(finals), min(1.05 * highest, 1.7 * max(finals)))
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of each specialist's epochs (%)")
    axes.set_ylabel("RMSE px (validation solid, train dashed)")
    axes.set_title("Specialists")
    figure.legend(loc="outside lower center", ncols=2, fontsize=9)
    return figure


def weighted_mean(curves: Mapping[str, np.ndarray]) -> np.ndarray:
    """The mean of the specialists' curves, weighted by how many values each predicts."""
    weights = [_VALUES[name] for name in curves]
    return np.average(np.stack(list(curves.values())), axis=0, weights=weights)


def _rescaled(table):
    """Train and validation RMSE px at `_POINTS` evenly spaced epochs, interpolated."""
    wanted = np.linspace(0, len(table) - 1, _POINTS)
    epochs = np.arange(len(table))
    losses = [np.interp(wanted, epochs, table[f"{side}_loss"]) for side in ("train", "valid")]
    return keypoint_schema.PIXELS_PER_UNIT * np.sqrt(losses)
