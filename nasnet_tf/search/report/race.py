"""The race: what came of training the best children again."""

import collections

import numpy as np

from nasnet_tf.pictures import figures
from nasnet_tf.pictures.html_report import ReportSection
from nasnet_tf.search.journal.reading import SearchRun
from nasnet_tf.search.report.pictures import score_name, styled

# More do not fit into a picture that one can read.
_MOST = 25


def race(run: SearchRun) -> ReportSection | None:
    """A picture and a table of the racers.

    Args:
        run: of the search.

    Returns:
        The section; None where no child was trained again.
    """
    if not run.repeats:
        return None
    racers = _racers(run)
    section = ReportSection("race", "The race of the best")
    section.figure(
        figure(run),
        "Children that were trained again with other seeds, best first: the "
        "reward of the search as a ring, those of the race as dots, and what "
        "is expected after all of them with one standard deviation.",
    )
    pairs = falls(run)
    noise = noise_of_repeats(run)
    note = ""
    if len(pairs):
        before, after = pairs.mean(axis=0)
        note = (
            f"In the search these had {before:.4f} on average, in the race "
            f"{after:.4f}"
        )
        note += ": who is found best is lucky, too." if after < before else "."
    if noise is not None:
        note += f" Trainings of one child differ by {noise:.4f}."
    section.table(
        ["child", "in the search", "again", "mean of these", "expected"],
        [_row(run, first, gained) for first, gained in racers],
        note,
    )
    return section


def falls(run: SearchRun) -> np.ndarray:
    """Of each racer the reward of the search and the mean of the race's.

    Returns:
        `(racers, 2)`, best first.
    """
    return np.array(
        [
            (first.reward, np.mean(gained))
            for first, gained in _racers(run)
            if gained
        ]
    )


def noise_of_repeats(run: SearchRun) -> float | None:
    """Standard deviation of rewards of one child; None where none has two."""
    gained = [g for g in _gained(run).values() if len(g) > 1]
    if not gained:
        return None
    squares = sum(np.var(g) * len(g) for g in gained)
    return float(np.sqrt(squares / sum(len(g) - 1 for g in gained)))


@styled
def figure(run: SearchRun):
    """Rewards of the racers, and what is expected of them."""
    racers = _racers(run)[:_MOST]
    drawing, axes = figures.new_figure(6.4, 1.2 + 0.26 * len(racers))
    for place, (first, gained) in enumerate(racers):
        axes.plot(
            first.reward,
            place,
            "o",
            color=figures.INK,
            markerfacecolor="none",
            markersize=5,
        )
        axes.plot(
            gained,
            [place] * len(gained),
            "o",
            color=figures.BLUE,
            markersize=3.5,
            alpha=0.6,
        )
        if belief := run.beliefs.get(first.child):
            axes.errorbar(
                belief.expected,
                place,
                xerr=belief.uncertainty,
                fmt="|",
                color=figures.RED,
                markersize=9,
                capsize=2,
            )
    axes.set_yticks(range(len(racers)))
    axes.set_yticklabels([f"child {first.child}" for first, _ in racers])
    axes.invert_yaxis()
    axes.set_xlabel(score_name(run))
    axes.grid(alpha=0.2, linewidth=0.6, axis="x")
    return drawing


def _gained(run):
    gained = collections.defaultdict(list)
    for record in run.repeats:
        if not record.failure:
            gained[record.child].append(record.reward)
    return gained


def _racers(run):
    """First record and rewards of each that was trained again, best first."""
    gained = _gained(run)
    again = {record.child for record in run.repeats}
    racers = [record for record in run.records if record.child in again]

    def worth(record):
        if belief := run.beliefs.get(record.child):
            return belief.expected
        # Before the race is over, or of one that failed in it.
        return np.mean(gained[record.child] or [-np.inf])

    racers.sort(key=lambda record: (-worth(record), record.child))
    return [(record, gained[record.child]) for record in racers]


def _row(run, first, gained):
    belief = run.beliefs.get(first.child)
    failed = any(r.failure for r in run.repeats if r.child == first.child)
    return [
        first.child,
        f"{first.reward:.4f}",
        len(gained),
        f"{np.mean(gained):.4f}" if gained else "-",
        f"{belief.expected:.4f} ± {belief.uncertainty:.4f}"
        if belief
        else "failed again"
        if failed
        else "-",
    ]
