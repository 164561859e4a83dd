"""How good a net is: metrics with confidence intervals, tables, figures, the Kaggle submission.

Figures need Matplotlib, so `evaluation.report` is not imported here.
"""

from evaluation.history import History
from evaluation.judgement import LabelScope, NetPredictions

__all__ = [
    "History",
    "LabelScope",
    "NetPredictions",
]
