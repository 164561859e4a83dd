"""Every picture that the project draws of nets and their predictions."""

from evaluation.figures.best_and_worst import best_and_worst
from evaluation.figures.disagreement import disagreement
from evaluation.figures.error_curve import error_curve
from evaluation.figures.filters import filters
from evaluation.figures.flip import flip
from evaluation.figures.keypoint_errors import keypoint_errors
from evaluation.figures.learning_curves import learning_curves
from evaluation.figures.predictions import predictions
from evaluation.figures.specialist_curves import specialist_curves
from evaluation.figures.style import rendered

__all__ = [
    "best_and_worst",
    "disagreement",
    "error_curve",
    "filters",
    "flip",
    "keypoint_errors",
    "learning_curves",
    "predictions",
    "rendered",
    "specialist_curves",
]
