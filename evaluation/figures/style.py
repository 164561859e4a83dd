"""One look for every figure, on the screen and in files.

Figures are built without pyplot, so nothing needs a display or leaks an open window. Colours are
those of M. Okabe and K. Ito, Color Universal Design (2008), which colour-blind readers can tell
apart; lines differ in dash or direct label too.
"""

import functools
import io

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
ORANGE, PURPLE, SKY, BLACK = "#E69F00", "#CC79A7", "#56B4E9", "#000000"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK, "#882255", "#8c8c8c")
PREDICTED, ACTUAL = ORANGE, SKY  # both stand out on gray pictures
MUTED = "#5f6368"

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": MUTED,
    "axes.grid": True,
    "axes.labelcolor": "#202124",
    "axes.prop_cycle": mpl.cycler(color=CYCLE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.color": "#dadce0",
    "grid.linewidth": 0.6,
    "image.cmap": "gray",
    "legend.frameon": False,
    "lines.linewidth": 2,
    "savefig.dpi": 150,
    # Ids and metadata of an SVG are random or dated unless told otherwise.
    "svg.hashsalt": "facial-keypoints",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}


def styled(make):
    """Decorates a function that returns a Figure, so that it draws in the house style."""

    @functools.wraps(make)
    def wrapper(*args, **kwargs):
        with mpl.rc_context(_STYLE):
            return make(*args, **kwargs)

    return wrapper


def rendered(figure: Figure, kind: str) -> bytes:
    """The figure as `png` or `svg`; the same figure always gives the same bytes."""
    out = io.BytesIO()
    metadata = {"Date": None} if kind == "svg" else {"Software": None}
    with mpl.rc_context(_STYLE):
        if figure.get_layout_engine() is not None:
            # Laid out once: every further pass would move things by fractions of a pixel.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        figure.savefig(out, format=kind, metadata=metadata)
    return out.getvalue()


def new_figure(width: float, height: float, title: str = "") -> Figure:
    """An empty figure, inches; with a title at the left."""
    figure = Figure(figsize=(width, height), layout="constrained")
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return figure


def face_grid(rows: int, columns: int, title: str = "", cell: float = 1.7, captions: bool = False):
    """A figure of rows × columns square cells without ticks; returns it and its axes `(r, c)`."""
    height = rows * cell * (1.14 if captions else 1.0) + (0.4 if title else 0)
    figure = new_figure(columns * cell, height, title)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, axes


def face(images, row: int) -> np.ndarray:
    """Reads one of `(N, 96, 96, 1)` images, which may be in files."""
    return np.asarray(images[[row]])[0]


def draw_face(axes, image: np.ndarray, caption: str = "") -> None:
    """A face `(96, 96)` or `(96, 96, 1)`, 0–255, with a caption above it."""
    axes.imshow(np.asarray(image).reshape(image.shape[:2]), vmin=0, vmax=255, interpolation="none")
    axes.autoscale(False)  # a point outside must not shrink the picture
    if caption:
        axes.set_title(caption, fontsize=8, fontweight="normal", color=MUTED, loc="center", pad=2)


def draw_points(axes, keypoints: np.ndarray, color: str, marker: str = "o", size: float = 9):
    """Keypoints `(K, 2)` in px, outlined to be seen on light and dark skin; NaN are left out."""
    line = {"linewidths": 0.5, "edgecolors": "black"} if marker == "o" else {"linewidths": 1.4}
    return axes.scatter(*np.asarray(keypoints).T, s=size, c=color, marker=marker, **line)


def point_legend(figure: Figure, entries: dict[str, tuple[str, str]]) -> None:
    """A legend below the pictures: label → (colour, marker)."""
    handles = [
        mpl.lines.Line2D(
            [], [], linestyle="", marker=marker, color=color, markersize=6, label=label,
            markeredgecolor=color if marker == "x" else "black",
        )
        for label, (color, marker) in entries.items()
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=9)
