"""How a search went, as figures."""

import functools

import numpy as np
from matplotlib import rc_context
from matplotlib.ticker import EngFormatter

from nasnet_tf.pictures import figures
from nasnet_tf.search.journal.front import pareto_front
from nasnet_tf.search.journal.reading import SearchRun
from nasnet_tf.search.report.measures import curves

TEAL, VIOLET = "#0d9488", "#7e22ce"
# Of Figure 6: how many of the best are averaged, in which colour.
MEASURES = {
    1: ("best", figures.BLUE),
    5: ("mean of the best 5", figures.ORANGE),
    25: ("mean of the best 25", TEAL),
}
STYLES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
# The range of a picture begins where this share of the samples was seen.
_SETTLED = 0.05


# Of the costs of an objective.
COST_LABELS = {
    "parameters": "parameters",
    "mult_adds": "mult-adds of an image",
    "latency": "milliseconds in LiteRT",
}


def styled(draw):
    """A function that draws in the style of the page, legends and all."""

    @functools.wraps(draw)
    def drawn(*arguments):
        with rc_context(figures.STYLE):
            return draw(*arguments)

    return drawn


def score_name(run: SearchRun) -> str:
    """What the rewards of a run are called."""
    objective = run.config.get("objective", {})
    front = objective.get("front", False)
    traded = objective.get("cost", "none") != "none" and not front
    if traded or objective.get("measure", "accuracy") != "accuracy":
        return "reward"
    return "held-out accuracy"


def measured(run: SearchRun) -> dict[int, np.ndarray]:
    """By count of `MEASURES` the mean reward of the best after every sample.

    NaN while fewer unique architectures were seen.
    """
    decisions = [record.decisions for record in run.samples]
    found = curves(
        decisions,
        [record.reward for record in run.samples],
        counts=tuple(MEASURES),
    )
    first = {sample: n for n, sample in reversed(list(enumerate(decisions)))}
    unique = np.zeros(len(decisions), int)
    unique[list(first.values())] = 1
    return {
        count: np.where(unique.cumsum() < count, np.nan, values)
        for count, values in found.items()
    }


@styled
def progress(runs: list[SearchRun], names: list[str]):
    """Figure 6 of the paper for these searches.

    Best and means of the best 5 and 25 unique architectures against samples,
    from where there are so many.

    Args:
        runs: the search, and those that it is compared with.
        names: of the runs, for the legend.
    """
    figure, axes = figures.new_figure(9.4, 4.8)
    lowest, highest = np.inf, -np.inf
    # Styles begin again where there are more runs than these.
    for run, name, style in zip(runs, names, STYLES * len(runs), strict=False):
        found = measured(run)
        places = np.arange(1, len(found[1]) + 1)
        settled = min(len(places) - 1, int(_SETTLED * len(places)))
        for count, (label, color) in MEASURES.items():
            values = found[count]
            # A mean of fewer would have a name that it does not deserve.
            if np.isnan(values[-1]):
                continue
            axes.plot(
                places,
                values,
                color=color,
                linestyle=style,
                linewidth=2.0 if style == "-" else 1.5,
                label=f"{name}: {label}" if len(runs) > 1 else label,
            )
            lowest = min(lowest, np.nanmin(values[settled:]))
            highest = max(highest, np.nanmax(values))
    # Equal rewards need a range too.
    room = 0.06 * max(highest - lowest, 1e-3)
    axes.set_ylim(lowest - room, highest + room)
    axes.set_xlim(left=0)
    axes.set_xlabel("samples")
    axes.set_ylabel(score_name(runs[0]))
    axes.grid(alpha=0.2, linewidth=0.6)
    axes.legend(frameon=False, loc="lower right", ncols=len(runs), fontsize=9)
    return figure


@styled
def children(run: SearchRun):
    """The reward of every child against its sample, and a running mean."""
    figure, axes = figures.new_figure(6.4, 3.6)
    places = np.array([record.child for record in run.succeeded])
    rewards = np.array([record.reward for record in run.succeeded])
    axes.scatter(
        places, rewards, s=9, color=figures.BLUE, alpha=0.35, linewidths=0
    )
    size = max(5, len(rewards) // 20)
    if len(rewards) >= 2 * size:
        means = np.convolve(rewards, np.ones(size) / size, "valid")
        axes.plot(
            places[size - 1 :],
            means,
            color=figures.ORANGE,
            linewidth=2,
            label=f"mean of the last {size}",
        )
        axes.legend(frameon=False, loc="lower right", fontsize=9)
    axes.set_xlabel("sample")
    axes.set_ylabel(score_name(run))
    axes.grid(alpha=0.2, linewidth=0.6)
    return figure


@styled
def entropy(run: SearchRun):
    """The entropy of the controller against samples; None where it has none."""
    points = [
        (line["samples"], line["entropy"])
        for line in run.rounds
        if line.get("entropy") is not None
    ]
    if len(points) < 2:
        return None
    figure, axes = figures.new_figure(6.4, 3.6)
    axes.plot(*zip(*points, strict=True), color=VIOLET, linewidth=1.8)
    axes.set_xlabel("samples")
    axes.set_ylabel("entropy of the controller")
    axes.grid(alpha=0.2, linewidth=0.6)
    return figure


@styled
def against_cost(run: SearchRun, cost: str, label: str):
    """Accuracy against a cost, the Pareto front marked.

    Args:
        run: the search.
        cost: a field of a record.
        label: of the axis.

    Returns:
        The figure; None where no child has this cost.
    """
    found = [r for r in run.succeeded if getattr(r, cost) is not None]
    if not found:
        return None
    costs = np.array([getattr(record, cost) for record in found], float)
    accuracies = np.array([record.accuracy for record in found])
    figure, axes = figures.new_figure(6.4, 4.0)
    points = axes.scatter(
        costs,
        accuracies,
        c=[record.child for record in found],
        s=14,
        cmap="viridis",
        linewidths=0,
        alpha=0.8,
    )
    front = pareto_front(costs, accuracies)
    axes.plot(
        costs[front],
        accuracies[front],
        color=figures.RED,
        linewidth=1.4,
        marker="o",
        markersize=4,
        markerfacecolor="none",
        drawstyle="steps-post",
        label="none is cheaper and as good",
    )
    bar = figure.colorbar(points, ax=axes, label="sample", pad=0.02)
    bar.outline.set_visible(False)
    # No millionths of milliseconds.
    if cost != "cost":
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel(label)
    axes.set_ylabel("held-out accuracy")
    axes.grid(alpha=0.2, linewidth=0.6)
    axes.legend(frameon=False, loc="lower right", fontsize=9)
    return figure


@styled
def child_seconds(run: SearchRun):
    """How long children took, as a histogram."""
    figure, axes = figures.new_figure(6.4, 3.2)
    axes.hist(run.seconds, bins=30, color=figures.BLUE, alpha=0.8)
    axes.axvline(run.seconds.mean(), color=figures.ORANGE, linewidth=1.6)
    axes.set_xlabel("seconds of a child; the line is their mean")
    axes.set_ylabel("children")
    return figure
