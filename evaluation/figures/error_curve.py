"""The cumulative error curve: what fraction of faces is within which error."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from evaluation import metrics
from evaluation.figures import style


@style.styled
def error_curve(errors: Mapping[str, np.ndarray], threshold: float) -> Figure:
    """Draws a curve a net, with its area up to the threshold in the legend.

    Args:
        errors: by net, NME of each face `(N,)`; NaN for faces that have none.
        threshold: NME above which a face counts as a failure.
    """
    figure = style.new_figure(8, 5)
    axes = figure.subplots()
    limit = 1.5 * threshold
    for position, (name, nme) in enumerate(errors.items()):
        x, y = metrics.error_curve(nme, limit)
        auc = metrics.error_curve_auc(nme, threshold).value()
        color = style.CYCLE[position % len(style.CYCLE)]
        # When colours run out they begin again, with dashes.
        dash = "-" if position < len(style.CYCLE) else "--"
        # Without labelled eye centres there is no area.
        label = name if math.isnan(auc) else f"{name}: AUC {auc:.2f}"
        axes.step(x, y, dash, where="post", color=color, label=label)
    axes.axvline(threshold, color=style.MUTED, linewidth=1, linestyle=":")
    label = f"failure above {metrics.percent(threshold)}"
    axes.text(
        threshold, 0.98, label, rotation=90, ha="right", va="top", color=style.MUTED, fontsize=9
    )
    axes.set_xlim(0, limit)
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("normalized mean error: distance to the label by distance between the eyes")
    axes.set_ylabel("faces within that error")
    axes.set_title("Cumulative error")
    columns = 1 if max(map(len, errors)) > 40 else 2  # nets of one name are called by their paths
    figure.legend(loc="outside lower center", ncols=columns, fontsize=9)
    return figure
