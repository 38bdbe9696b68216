"""How good a classifier is: predictions, measures, and what shows them."""

from nasnet_tf.evaluation.classifier import (
    Classifier,
    file_classifier,
    job_classifier,
)
from nasnet_tf.evaluation.evaluator import evaluate, evaluation_reading
from nasnet_tf.evaluation.measures import Report, measure
from nasnet_tf.evaluation.picture import draw_confusion, evaluation_figure
from nasnet_tf.evaluation.prediction import (
    Predictions,
    forward_function,
    predict,
)
from nasnet_tf.evaluation.real_labels import (
    RealAccuracy,
    RealLabels,
    read_real_labels,
    real_accuracy,
)
from nasnet_tf.evaluation.report_files import (
    check_report_files,
    format_report,
    read_confusion,
    write_report,
)

__all__ = [
    "Classifier",
    "Predictions",
    "RealAccuracy",
    "RealLabels",
    "Report",
    "check_report_files",
    "draw_confusion",
    "evaluate",
    "evaluation_figure",
    "evaluation_reading",
    "file_classifier",
    "format_report",
    "forward_function",
    "job_classifier",
    "measure",
    "predict",
    "read_confusion",
    "read_real_labels",
    "real_accuracy",
    "write_report",
]
