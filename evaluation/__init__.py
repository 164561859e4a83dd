"""How good a net is: metrics with confidence intervals, tables, figures, the Kaggle submission."""

from evaluation.first_layers import first_layers
from evaluation.history import History
from evaluation.judgement import Counted, Judgement, NetPredictions, compare, judge
from evaluation.metrics import FAILURE_THRESHOLD
from evaluation.report import write_report
from evaluation.report_figures import ReportNet, report_figures
from evaluation.tables import (
    comparison_table,
    error_table,
    keypoint_table,
    specialist_table,
    summary_table,
)

__all__ = [
    "FAILURE_THRESHOLD",
    "Counted",
    "History",
    "Judgement",
    "NetPredictions",
    "ReportNet",
    "compare",
    "comparison_table",
    "error_table",
    "first_layers",
    "judge",
    "keypoint_table",
    "report_figures",
    "specialist_table",
    "summary_table",
    "write_report",
]
