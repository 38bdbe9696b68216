"""Precision over recall, drawn for three categories or eighty."""

from detection.evaluation.measures import IOU_50, IOU_75, RECALLS, Metrics
from nasnet_tf.pictures import figures
from nasnet_tf.pictures.figures import escaped, shortened_name

# More curves than these cannot be told apart.
NAMED_CLASSES = 10
# Categories in the bars where there are more than these.
LISTED = 24
SIZE = (14.0, 5.2)
_PANELS = ((IOU_50, "AP50", "IoU 0.50"), (IOU_75, "AP75", "IoU 0.75"))
_FAINT = "#9aa7b8"


def precision_recall_figure(metrics: Metrics, title: str = ""):
    """Precision over recall at IoU 0.50 and 0.75, and the categories' AP.

    The thick line is the mean over the categories that have objects. Ten
    categories or fewer have a line of their own colour each, more are faint;
    the bars are of those with most objects.

    Args:
        metrics: of `detection.evaluation.measures.measure`.
        title: of the figure.

    Returns:
        A matplotlib figure.
    """
    # A command's help comes without Matplotlib.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(figures.STYLE):
        figure = Figure(SIZE, layout="constrained")
        *panels, bars = figure.subplots(1, 3)
        for axes, (place, name, text) in zip(panels, _PANELS, strict=True):
            _draw_curves(axes, metrics, place)
            axes.set_title(f"{text}: {name} {_text(metrics.numbers[name])}")
        panels[0].set_ylabel("precision")
        _draw_bars(bars, metrics)
        figure.suptitle(f"{escaped(title)}\n{_scores(metrics)}")
    return figure


def _scores(metrics):
    names = ("AP", "AP50", "AP75", "AR100")
    return ", ".join(f"{n} {_text(metrics.numbers[n])}" for n in names)


def _text(value):
    return "-" if value == -1 else f"{value:.3f}"


def _colors(metrics):
    """A colour for each category with objects; the same where many."""
    # As in `precision_recall_figure`.
    import matplotlib

    places = metrics.largest_classes(len(metrics.classes))
    if len(places) > NAMED_CLASSES:
        return dict.fromkeys(places, _FAINT)
    palette = matplotlib.color_sequences["tab10"]
    # There are as many colours as `NAMED_CLASSES`, or more than places.
    return dict(zip(places, palette, strict=False))


def _draw_curves(axes, metrics, threshold):
    precision = metrics.precision[threshold]
    colors = _colors(metrics)
    many = len(colors) > NAMED_CLASSES
    for place, color in colors.items():
        axes.plot(
            RECALLS,
            precision[:, place],
            color=color,
            alpha=0.35 if many else 0.8,
            linewidth=0.8 if many else 1.3,
        )
    if colors:
        mean = precision[:, list(colors)].mean(axis=1)
        label = f"mean of {len(colors)} categories"
        axes.fill_between(RECALLS, mean, color=figures.BLUE, alpha=0.12)
        axes.plot(RECALLS, mean, color=figures.BLUE, lw=3, label=label)
        axes.legend(loc="lower left", framealpha=0.9, edgecolor="none")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("recall")
    axes.grid(alpha=0.2)


def _draw_bars(axes, metrics):
    colors = _colors(metrics)
    order = metrics.largest_classes(LISTED)
    title = "AP of each category; tick: AP50"
    if len(colors) > LISTED:
        title = f"AP of the {LISTED} with most objects; tick: AP50"
    classes = [metrics.classes[place] for place in order]
    rows = range(len(classes))
    values = [row.ap for row in classes]
    many = len(colors) > NAMED_CLASSES
    axes.barh(
        rows,
        values,
        color=figures.BLUE if many else [colors[place] for place in order],
        alpha=0.6,
        height=0.7,
    )
    for row, numbers in enumerate(classes):
        ends = ([numbers.ap50] * 2, [row - 0.35, row + 0.35])
        axes.plot(*ends, color="#334155", clip_on=False)
        axes.text(
            1.03,
            row,
            f"{numbers.ap:.2f}",
            fontsize=8,
            va="center",
        )
    names = [f"{shortened_name(row.name)} ({row.objects:,})" for row in classes]
    axes.set_yticks(rows, names, fontsize=8 if len(rows) > 12 else 9)
    axes.set_ylim(len(classes) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.2)
    axes.set_title(title)
    axes.set_xlabel("AP (number of objects in brackets)")
