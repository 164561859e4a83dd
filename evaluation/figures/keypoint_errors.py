"""How far off each keypoint is, drawn where it sits on the mean face."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

import keypoint_schema
from evaluation.figures import style


@style.styled
def keypoint_errors(
    mean_face: np.ndarray, mean_keypoints: np.ndarray, rmse_px: dict[str, float], name: str
) -> Figure:
    """Draws each keypoint's RMSE as a circle of that radius, with the number beside it.

    Args:
        mean_face: `(96, 96, 1)`, 0–255, the mean of the labelled faces.
        mean_keypoints: `(15, 2)` px, where keypoints are on average, in the schema's order.
        rmse_px: by keypoint name; those that the net lacks are left out.
        name: the net's.
    """
    figure = style.new_figure(5.6, 6.0)
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_title(f"RMSE px of {name} by keypoint")
    style.draw_face(axes, mean_face)
    for keypoint, (x, y) in zip(keypoint_schema.NAMES, mean_keypoints, strict=True):
        if keypoint not in rmse_px or not np.isfinite(rmse_px[keypoint] + x):
            continue
        radius = rmse_px[keypoint]
        axes.add_patch(Circle((x, y), radius, facecolor=style.ORANGE, alpha=0.45, edgecolor="none"))
        axes.plot(x, y, ".", color="black", markersize=3)
        # Names of the corners would overlap if all stood at one side of their points.
        below = keypoint.endswith("_corner") or keypoint == "mouth_center_bottom_lip"
        shift = radius + 0.8 if below else -radius - 0.8
        axes.text(
            x, y + shift, f"{radius:.1f}", ha="center", va="bottom" if shift < 0 else "top",
            fontsize=9, fontweight="bold", color="white",
            bbox={"facecolor": "black", "alpha": 0.6, "pad": 1.2, "linewidth": 0},
        )  # fmt: skip
    return figure
