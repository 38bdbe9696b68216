"""The front of a search with two goals, and NASNet's cells beside it."""

import json

import numpy as np
from matplotlib.ticker import EngFormatter

from nasnet_tf.pictures import figures
from nasnet_tf.pictures.html_report import ReportSection
from nasnet_tf.search.journal.file_names import FRONT_FOLDER, REFERENCES_FILE
from nasnet_tf.search.journal.front import front_of
from nasnet_tf.search.journal.reading import SearchRun
from nasnet_tf.search.report.pictures import COST_LABELS, score_name, styled


def front(run: SearchRun) -> ReportSection | None:
    """The front as a picture and as a table.

    Args:
        run: of the search.

    Returns:
        The section; None of a search for one goal.
    """
    objective = run.config.get("objective", {})
    members = front_of(run.records, run.beliefs)
    if not objective.get("front") or not members:
        return None
    label = COST_LABELS[objective["cost"]]
    references = _references(run)
    section = ReportSection("front", "The front")
    section.figure(
        figure(run, members, references, label),
        "What is expected of every child, against what it costs. No other is "
        "as good and cheaper than those on the line; NASNet's cells, trained "
        "as the children were, with the standard deviation of their seeds.",
        wide=True,
    )
    rows = [_row(run, record) for record in members]
    rows += [_reference_row(entry) for entry in references]
    section.table(
        ["cell", "expected", label, "parameters", "F", "genotype"],
        rows,
        "Cheapest first; NASNet's below, mean ± standard deviation of their "
        "seeds. Any of the files is a genotype for nasnet_tf.train, "
        "or for --compare of nasnet_tf.search.finalists.",
    )
    return section


@styled
def figure(run: SearchRun, members, references, label: str):
    """Expected reward against cost."""
    records = [r for r in run.best(len(run.records)) if r.cost is not None]
    drawing, axes = figures.new_figure(9, 4.4)
    axes.scatter(
        [record.cost for record in records],
        [_expected(run, record) for record in records],
        s=10,
        color=figures.BLUE,
        alpha=0.35,
        linewidths=0,
    )
    axes.plot(
        [record.cost for record in members],
        [_expected(run, record) for record in members],
        color=figures.RED,
        linewidth=1.4,
        marker="o",
        markersize=4,
        drawstyle="steps-post",
    )
    for entry in references:
        mean = np.mean(entry["rewards"])
        axes.errorbar(
            entry["cost"],
            mean,
            _deviation(entry["rewards"]),
            fmt="D",
            color=figures.ORANGE,
            markersize=5,
            elinewidth=0.8,
        )
        axes.annotate(
            entry["name"],
            (entry["cost"], mean),
            xytext=(7, 4),
            textcoords="offset points",
            fontsize=9,
        )
    if label != COST_LABELS["latency"]:
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel(label)
    axes.set_ylabel(f"{score_name(run)}, expected")
    axes.grid(alpha=0.2, linewidth=0.6)
    return drawing


def _references(run):
    path = run.folder / REFERENCES_FILE
    entries = json.loads(path.read_text()) if path.is_file() else []
    return [entry for entry in entries if entry["rewards"]]


def _deviation(rewards):
    return np.std(rewards, ddof=1) if len(rewards) > 1 else 0.0


def _expected(run, record):
    belief = run.beliefs.get(record.child)
    return belief.expected if belief else record.reward


def _row(run, record):
    expected = f"{_expected(run, record):.4f}"
    if belief := run.beliefs.get(record.child):
        expected += f" ± {belief.uncertainty:.4f}"
    name = f"child_{record.child}"
    return [
        name,
        expected,
        *_sizes(record.cost, record.parameters, record.filters),
        f"{FRONT_FOLDER}/{name}.json",
    ]


def _reference_row(entry):
    rewards = entry["rewards"]
    return [
        entry["name"],
        f"{np.mean(rewards):.4f} ± {_deviation(rewards):.4f}",
        *_sizes(entry["cost"], entry["parameters"], entry["filters"]),
        entry["name"],
    ]


def _sizes(cost, parameters, filters):
    return (
        f"{cost:,.4g}" if cost < 1e4 else f"{cost:,.0f}",
        "-" if parameters is None else f"{parameters:,}",
        "-" if filters is None else filters,
    )
