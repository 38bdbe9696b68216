"""A report as text, JSON and a picture."""

import json
import pathlib
import warnings

import numpy as np

from nasnet_tf.checks.errors import InputError, first_line, listed
from nasnet_tf.evaluation.measures import Report
from nasnet_tf.evaluation.picture import evaluation_figure
from nasnet_tf.files.output_file import check_output, written_beside

SUFFIXES = (".json", ".png")
DPI = 110
WORST = 5


def check_report_files(stem) -> None:
    """Raises `InputError` unless `write_report` can write at `stem`."""
    for suffix in SUFFIXES:
        check_output(f"{stem}{suffix}")


def write_report(
    report: Report, stem, title: str = "", facts: dict | None = None
) -> list[pathlib.Path]:
    """Writes `<stem>.json` and `<stem>.png`, each whole or not at all.

    Args:
        report: of `measure`.
        stem: of both files, such as `model_dir/evaluation`.
        title: of the picture; what was evaluated on what.
        facts: plain values that the JSON begins with.

    Returns:
        Both paths.

    Raises:
        InputError: a file cannot be written.
    """
    paths = [pathlib.Path(f"{stem}{suffix}") for suffix in SUFFIXES]
    with written_beside(paths[0]) as beside:
        beside.write_text(_to_json({**(facts or {}), **report.to_dict()}))
    scores = ", ".join(f"{name} {value}" for name, value in _scores(report))
    if title:
        scores = f"{title}\n{scores}"
    with warnings.catch_warnings(), written_beside(paths[1]) as beside:
        # Class names may be in letters that the font lacks.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure = evaluation_figure(report, scores)
        figure.savefig(beside, dpi=DPI, facecolor="white")
    return paths


def read_confusion(path) -> np.ndarray:
    """The confusion matrix of an `evaluation.json`: `(classes, classes)`.

    Args:
        path: of the file, of this version or of before, which wrote all cells.

    Raises:
        InputError: it is no such file.
    """
    try:
        values = json.loads(pathlib.Path(path).read_text())
        if "confusion_matrix" in values:
            return np.array(values["confusion_matrix"])
        matrix = np.zeros((values["classes"],) * 2, int)
        for row, column, images in values["confusion_cells"]:
            matrix[row, column] = images
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise InputError(
            f"{path}: no evaluation.json that can be read "
            f"({first_line(error)}); give one of nasnet_tf.evaluate"
        ) from None
    return matrix


def _to_json(values):
    """JSON with a line for each value, and for each row of a table."""
    lines = []
    for key, value in values.items():
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        if isinstance(value, list) and value:
            rows = (
                json.dumps(row, ensure_ascii=False, allow_nan=False)
                for row in value
            )
            text = "[\n    " + ",\n    ".join(rows) + "\n  ]"
        lines.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _scores(report):
    """`(name, text)` of the measures of all classes together."""
    scores = [("top-1", f"{report.top1:.2%}")]
    if report.top5 is not None:
        scores.append(("top-5", f"{report.top5:.2%}"))
    scores.append(("balanced accuracy", f"{report.balanced_accuracy:.2%}"))
    scores.append(("loss", f"{report.loss:.4f}"))
    if report.real:
        scores.append(("ReaL", f"{report.real.top1:.2%}"))
    return scores


def format_report(report: Report, worst: int = WORST) -> str:
    """The report as a short text.

    Args:
        report: of `measure`.
        worst: how many classes and confusions to list.
    """
    scores = _scores(report)
    error = f"{report.calibration_error:.2%}"
    scores.insert(-1 if report.real else len(scores), ("calibration", error))
    lines = [f"{'images':18}{report.images:>10,}"]
    if report.skipped:
        lines[0] += (
            f", {len(report.skipped):,} skipped that cannot be decoded: "
            f"{listed(report.skipped)}"
        )
    lines += [f"{name:18}{text:>10}" for name, text in scores]
    if report.real:
        lines[-1] += f" of {report.real.images:,} images"
    names = report.class_names
    classes = report.worst_classes(worst)
    width = max(len("worst classes"), *(len(names[n]) for n in classes))
    lines += ["", f"{'worst classes':{width}}  images  precision  recall"]
    lines += [
        f"{names[n]:{width}}  {report.support[n]:6,}  "
        f"{_percent(report.precision[n]):>9}  {_percent(report.recall[n]):>6}"
        for n in classes
    ]
    if confusions := report.top_confusions(worst):
        lines += ["", "most frequent confusions"]
        lines += [
            f"{count:6,} of {report.support[a]:,} {names[a]} taken for "
            f"{names[b]}"
            for a, b, count in confusions
        ]
    return "\n".join(lines)


def _percent(value):
    # Only nan differs from itself.
    return "-" if value != value else f"{value:.1%}"
