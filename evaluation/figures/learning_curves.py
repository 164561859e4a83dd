"""Loss by epoch: train dashed, validation solid, log scale."""

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FixedLocator,
    FormatStrFormatter,
    LogFormatterSciNotation,
    MaxNLocator,
    NullLocator,
)

import keypoint_schema
from evaluation.figures import style
from evaluation.history import History

_SHOWN_SPREAD = 8.0  # the first epochs may be this much above the worst best epoch, or are cut off

_SHORT = 5  # epochs; a curve of so few, of one above all, needs its points to be seen

_WIDEST = 90  # characters that fit on a line of the legend

_PIXEL_TICKS = (0.5, 0.7, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30)


@style.styled
def learning_curves(histories: Mapping[str, History]) -> Figure:
    """Draws the curves of one net, or of several in one picture.

    Args:
        histories: by net; all with a validation loss.
    """
    figure = style.new_figure(8, 5)
    axes = figure.subplots()
    thin, thick = (1.3, 2.0) if len(histories) == 1 else (0.9, 1.5)
    for position, (name, history) in enumerate(histories.items()):
        color = style.CYCLE[position % len(style.CYCLE)]
        table, best = history.table, history.best
        cross, dot = ("x", ".") if len(table) <= _SHORT else ("", "")
        # When colours run out they begin again, with other dashes.
        dashes = ("--", "-") if position < len(style.CYCLE) else (":", "-.")
        train = {"linestyle": dashes[0], "marker": cross, "linewidth": thin}
        valid = {"linestyle": dashes[1], "marker": dot, "linewidth": thick, "label": name}
        axes.plot(table["epoch"], table["train_loss"], color=color, **train)
        axes.plot(table["epoch"], table["valid_loss"], color=color, **valid)
        axes.plot(best["epoch"], best["valid_loss"], "o", color=color, markersize=6)
    axes.set_yscale("log")
    axes.set_ylim(*_limits(histories))
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss: mean squared error, normalized (log)")
    axes.grid(which="minor", axis="y", linewidth=0.3)
    _pixel_axis(axes)
    names = ", ".join(histories)
    if len(histories) > 3 or (len(histories) > 1 and len(names) > _WIDEST // 2):
        names = f"{len(histories)} nets"
    axes.set_title(f"Learning curves of {_shortened(names, _WIDEST // 2)}")
    _legend(figure, axes, several=len(histories) > 1)
    return figure


def _limits(histories):
    tables = [history.table[["train_loss", "valid_loss"]] for history in histories.values()]
    losses = pd.concat(tables)
    lowest = losses.min().min()
    best = max(history.best["valid_loss"] for history in histories.values())
    return lowest * 0.8, min(losses.max().max() * 1.2, best * _SHOWN_SPREAD)


def _pixel_axis(axes):
    """The same scale in px at the right, which means more to a reader than a loss."""
    unit = keypoint_schema.PIXELS_PER_UNIT
    right = axes.secondary_yaxis(
        "right", functions=(lambda loss: unit * loss**0.5, lambda px: (px / unit) ** 2)
    )
    right.set_yscale("log")
    right.set_ylabel("RMSE px")
    right.yaxis.set_major_locator(FixedLocator(_PIXEL_TICKS))
    right.yaxis.set_minor_locator(NullLocator())
    right.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    # Within a decade there may be no power of ten to read the scale by.
    axes.yaxis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(0.8, 0.4)))


def _legend(figure, axes, several):
    """Below the curves, where it covers none."""
    kinds = ["validation", "train", "best epoch"]
    train, valid, best = map(_muted, axes.lines[:3]) if several else axes.lines[:3]
    handles = [valid, train, best]
    if not several:
        figure.legend(handles, kinds, loc="outside lower center", ncols=3)
        return
    nets = axes.lines[1::3]
    names = [_shortened(line.get_label(), _WIDEST) for line in nets]
    columns = 1 if max(map(len, names)) > _WIDEST // 3 else 3
    rows = math.ceil((len(nets) + 3) / columns)
    figure.set_figheight(figure.get_figheight() + 0.2 * rows)
    entries = [*nets, *handles], [*names, *kinds]
    figure.legend(*entries, loc="outside lower center", ncols=columns, fontsize=9)


def _muted(line):
    """A line of the same kind that is of no net."""
    kind = {"linestyle": line.get_linestyle(), "marker": line.get_marker()}
    return Line2D([], [], color=style.MUTED, **kind)


def _shortened(name, width):
    """Nets of one name are called by their paths, of which the end tells them apart."""
    return name if len(name) <= width else f"…{name[1 - width :]}"
