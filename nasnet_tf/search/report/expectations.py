"""What is expected of the children, beside the rewards that they got."""

import numpy as np

from nasnet_tf.pictures import figures
from nasnet_tf.pictures.html_report import ReportSection
from nasnet_tf.search.journal.reading import SearchRun
from nasnet_tf.search.report.pictures import score_name, styled
from nasnet_tf.search.report.race import noise_of_repeats

# The best are one in so many.
_FRONT = 4
_UNIT = "In units of reward."
_MORE_NOISE = (
    "Trainings of one cell differ by more than the best cells do: longer "
    "children or a longer race (budget.race) would tell the best apart, and "
    "nasnet_tf.search.finalists with --seeds compares those at the front."
)


def expectations(run: SearchRun) -> ReportSection | None:
    """A picture of expected against measured, and what noise there is.

    Args:
        run: of the search.

    Returns:
        The section; None where there was no race, and the strategy expects
        nothing.
    """
    if not run.beliefs:
        return None
    section = ReportSection("expected", "What is expected")
    section.figure(
        figure(run),
        "Of every child the reward that it got first, and what is expected of "
        "it, with one standard deviation. Above the line they were "
        "unlucky, below it lucky; the red one is recommended.",
    )
    rows, verdict = _compared(run)
    section.table(["what", "value"], rows, verdict)
    return section


@styled
def figure(run: SearchRun):
    """Expected against measured reward of every child."""
    records = run.best(len(run.records))
    measured = np.array([record.reward for record in records])
    expected, uncertainty = _believed(run, records)
    drawing, axes = figures.new_figure(6.4, 4.0)
    axes.errorbar(
        measured,
        expected,
        uncertainty,
        fmt="o",
        color=figures.BLUE,
        markersize=3,
        elinewidth=0.6,
        alpha=0.45,
    )
    # What is recommended comes first.
    axes.plot(measured[:1], expected[:1], "o", color=figures.RED, markersize=6)
    ends = [measured.min(), measured.max()]
    axes.plot(ends, ends, color=figures.INK, linewidth=0.8)
    axes.set_xlabel(f"{score_name(run)}, measured")
    axes.set_ylabel("expected")
    axes.grid(alpha=0.2, linewidth=0.6)
    return drawing


def _believed(run, records):
    beliefs = [run.beliefs[record.child] for record in records]
    return (
        np.array([belief.expected for belief in beliefs]),
        np.array([belief.uncertainty for belief in beliefs]),
    )


def _compared(run):
    """Noise, spread of the best, luck of the highest reward; and a verdict."""
    records = run.best(len(run.records))
    expected, uncertainty = _believed(run, records)
    best = records[0]
    highest = max(records, key=lambda record: record.reward)
    fall = highest.reward - run.beliefs[highest.child].expected
    # Bad cells are told from good ones by any training.
    spread = expected[: max(2, len(expected) // _FRONT)].std()
    rows = [
        [
            f"expected of child {best.child}, which is recommended",
            f"{expected[0]:.4f} ± {uncertainty[0]:.4f}",
        ],
        [
            f"expected fall of child {highest.child}, of the highest reward",
            f"{fall:.4f} of {highest.reward:.4f}",
        ],
        ["the best quarter differ by (standard deviation)", f"{spread:.4f}"],
    ]
    noise = noise_of_repeats(run) or run.rounds[-1].get("noise")
    if noise is None:
        return rows, _UNIT
    rows.append(["trainings of one cell differ by, about", f"{noise:.4f}"])
    return rows, _MORE_NOISE if noise > spread else _UNIT
