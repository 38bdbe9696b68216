"""Where a classifier is wrong, drawn for ten classes or a thousand."""

import numpy as np

from nasnet_tf.evaluation.measures import Report
from nasnet_tf.pictures import figures

# More classes than these make a matrix that nobody can read.
MATRIX_CLASSES = 25
# In inches: of the picture of many classes.
MANY_SIZE = (15.0, 6.0)
HISTOGRAM_BINS = 20


def evaluation_figure(report: Report, title: str = ""):
    """The report as a matplotlib figure on white.

    With 25 classes or fewer it is the confusion matrix and the accuracy on
    each class; with more a histogram of these accuracies, the worst classes
    and the most frequent confusions.

    Args:
        report: of `measure`.
        title: of the figure.
    """
    # Only who draws waits for Matplotlib.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    classes = len(report.class_names)
    with rc_context(figures.STYLE):
        if classes <= MATRIX_CLASSES:
            side = matrix_side(classes)
            figure = Figure((2 * side, side + 0.4), layout="compressed")
            matrix, bars = figure.subplots(1, 2)
            names = [
                figures.shortened_name(name) for name in report.class_names
            ]
            draw_confusion(matrix, report.confusion, names)
            matrix.set_title("confusion matrix: images")
            matrix.set_xlabel("taken for")
            matrix.set_ylabel("class")
            _draw_accuracies(bars, report, range(classes))
            bars.set_title("accuracy on each class")
        else:
            figure = Figure(MANY_SIZE, layout="constrained")
            histogram, bars, pairs = figure.subplots(1, 3)
            _draw_histogram(histogram, report)
            worst = report.worst_classes()
            _draw_accuracies(bars, report, worst)
            bars.set_title(f"accuracy on the {len(worst)} worst classes")
            _draw_confusions(pairs, report)
        figure.suptitle(figures.escaped(title))
    return figure


def matrix_side(classes: int) -> float:
    """Inches of the confusion matrix with its names."""
    return max(4.6, 2.0 + 0.32 * classes)


def draw_confusion(axes, confusion: np.ndarray, class_names) -> None:
    """Draws a confusion matrix: right is blue, wrong is red, by their shares.

    Args:
        axes: of `nasnet_tf.pictures.figures.new_figure`, for example.
        confusion: `(classes, classes)`, images; see `Report`.
        class_names: short enough to stand beside the rows.
    """
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    wrong = shares * (1 - np.eye(len(shares)))
    most_wrong = wrong.max(initial=0)
    fontsize = 9 if confusion.max(initial=0) < 10_000 else 7
    for row, column in np.argwhere(confusion):
        right = row == column
        # Pale enough for black and for white text.
        share = (
            shares[row, column] if right else wrong[row, column] / most_wrong
        )
        opacity = 0.15 + 0.4 * share
        axes.axvspan(
            column - 0.5,
            column + 0.5,
            *(1 - (row + np.array([1, 0])) / len(confusion)),
            color=figures.BLUE if right else figures.RED,
            alpha=opacity,
            linewidth=0,
        )
        axes.text(
            column,
            row,
            confusion[row, column],
            color=figures.INK,
            fontsize=fontsize,
            ha="center",
            va="center",
        )
    size = len(confusion)
    upright = max(map(len, class_names)) <= 2
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(size - 0.5, -0.5)
    axes.set_xticks(range(size), class_names, rotation=0 if upright else 90)
    axes.set_yticks(range(size), class_names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_aspect("equal")


def _draw_accuracies(axes, report, classes):
    values = np.nan_to_num(report.recall[list(classes)])
    texts = [
        f"{report.recall[n]:.0%}" if report.support[n] else "no image"
        for n in classes
    ]
    names = [figures.shortened_name(report.class_names[n]) for n in classes]
    _draw_bars(axes, values, texts, names, figures.BLUE)
    axes.set_xlim(0, 1.12)
    shares = np.linspace(0, 1, 6)
    axes.set_xticks(shares, [f"{share:.0%}" for share in shares])


def _draw_confusions(axes, report):
    found = report.top_confusions()
    names = [figures.shortened_name(name) for name in report.class_names]
    counts = [count for _, _, count in found]
    pairs = [f"{names[a]} \u2192 {names[b]}" for a, b, _ in found]
    _draw_bars(axes, counts, counts, pairs, figures.RED)
    axes.set_xlim(0, 1.12 * max(counts, default=1))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_title("most frequent confusions: images")


def _draw_bars(axes, values, texts, names, color):
    rows = range(len(values))
    bars = axes.barh(rows, values, color=color, alpha=0.6, height=0.7)
    axes.bar_label(bars, texts, padding=3, fontsize=8)
    axes.set_yticks(rows, names, fontsize=9)
    axes.set_ylim(len(values) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.2)


def _draw_histogram(axes, report):
    recall = report.recall[report.support > 0]
    edges = np.linspace(0, 1, HISTOGRAM_BINS + 1)
    axes.hist(recall, edges, color=figures.BLUE, alpha=0.6)
    shares = np.linspace(0, 1, 6)
    axes.set_xticks(shares, [f"{share:.0%}" for share in shares])
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("accuracy on the class")
    axes.set_ylabel("classes")
    axes.set_title(f"{len(recall):,} classes by accuracy")
