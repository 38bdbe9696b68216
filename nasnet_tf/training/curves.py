"""The curves of a training job as a picture."""

import pathlib

from matplotlib import rc_context
from matplotlib.figure import Figure

from nasnet_tf.files.output_file import written_beside
from nasnet_tf.pictures import figures

SIZE = (7.0, 8.0)
DPI = 120
# For each panel: what it shows, from which lines, under which label.
PANELS = {
    "loss": (
        ("training", "loss", "training, all terms"),
        ("training", "cross_entropy", "training, cross-entropy"),
        ("evaluation", "loss", "evaluation, cross-entropy"),
    ),
    "accuracy": (
        ("training", "accuracy", "training"),
        ("evaluation", "accuracy", "evaluation"),
    ),
    "learning rate": (("training", "learning_rate", ""),),
}
COLORS = {
    "training, all terms": "#a8b4c4",
    "evaluation": figures.ORANGE,
    "evaluation, cross-entropy": figures.ORANGE,
}


def write_curves(path, history: dict[str, dict[str, list]]) -> pathlib.Path:
    """Draws loss, accuracy and learning rate over the steps.

    Args:
        path: a `.png` file; overwritten.
        history: of `TrainingLog.history`; what it lacks stays empty.

    Returns:
        The path.

    Raises:
        InputError: the file cannot be written.
    """
    path = pathlib.Path(path)
    with written_beside(path, "model_dir") as beside:
        curves_figure(history).savefig(
            beside, format="png", dpi=DPI, facecolor="white"
        )
    return path


def curves_figure(history: dict[str, dict[str, list]]):
    """The curves as a matplotlib figure, three panels over one axis."""
    with rc_context(figures.STYLE):
        figure = Figure(SIZE, layout="constrained")
        for axes, (title, lines) in zip(
            figure.subplots(3, sharex=True), PANELS.items(), strict=True
        ):
            axes.set_title(title, loc="left")
            axes.grid(alpha=0.25)
            for kind, key, label in lines:
                _draw_line(axes, history[kind], key, label)
            if len(axes.lines) > 1:
                axes.legend(frameon=False)
        axes.set_xlabel("step")
    return figure


def _draw_line(axes, columns, key, label):
    points = [
        (step, value)
        # What no line has measured has no column.
        for step, value in zip(
            columns.get("step", ()), columns.get(key, ()), strict=False
        )
        if value is not None
    ]
    if not points:
        return
    marker = "o" if len(points) < 50 else None
    axes.plot(
        *zip(*points, strict=True),
        color=COLORS.get(label, figures.BLUE),
        label=label,
        marker=marker,
        markersize=3,
        linewidth=1.4,
    )
