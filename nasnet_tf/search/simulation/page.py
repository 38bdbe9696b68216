"""The simulation's results as a table and a picture."""

import csv
import dataclasses
import io
from collections.abc import Sequence

from nasnet_tf.pictures import figures
from nasnet_tf.search.simulation.cluster import HOUR, Cluster, Prediction

HEADER = (
    "workers",
    "round size",
    "rounds in flight",
    "utilisation",
    "until the last claim",
    "hours",
    "children an hour",
    "staleness, updates",
    "staleness, steps",
    "failures",
)
COLORS = ("#94a3b8", "#0d9488", "#2563eb", "#f59e0b", "#be185d", "#6b3f1d")


@dataclasses.dataclass(frozen=True)
class Row:
    """One simulated search.

    Args:
        cluster: what was simulated.
        prediction: what came out.
        children: of the search.
    """

    cluster: Cluster
    prediction: Prediction
    children: int

    @property
    def values(self) -> tuple:
        """As `HEADER` names them."""
        cluster, prediction = self.cluster, self.prediction
        hours = prediction.seconds / HOUR
        return (
            cluster.workers,
            cluster.round_size,
            cluster.rounds_in_flight,
            prediction.utilisation,
            prediction.steady,
            hours,
            self.children / hours,
            prediction.staleness,
            prediction.staleness_steps,
            prediction.failures,
        )


def to_markdown(rows: Sequence[Row]) -> str:
    """A table for people; shares in per cent."""
    texts = [_texts(row) for row in rows]
    widths = [
        max(map(len, column)) for column in zip(HEADER, *texts, strict=True)
    ]
    lines = [HEADER, ["-" * (width - 1) + ":" for width in widths], *texts]
    return "\n".join(
        "| "
        + " | ".join(
            f"{text:>{width}}" for text, width in zip(line, widths, strict=True)
        )
        + " |"
        for line in lines
    )


def _texts(row):
    values = row.values
    return [
        *(f"{value:,}" for value in values[:3]),
        *(f"{value:.1%}" for value in values[3:5]),
        f"{values[5]:,.2f}",
        f"{values[6]:,.0f}",
        f"{values[7]:.2f}",
        f"{values[8]:.1f}",
        str(values[9]),
    ]


def to_csv(rows: Sequence[Row]) -> str:
    """A table for programs; shares are fractions."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(name.replace(",", "").replace(" ", "_") for name in HEADER)
    writer.writerows(row.values for row in rows)
    return text.getvalue()


def figure(rows: Sequence[Row], target: float, title: str = ""):
    """Utilisation against workers, a panel for each number of rounds in flight.

    Args:
        rows: of one sweep.
        target: utilisation at which a line is drawn.
        title: over the panels.
    """
    # Only who draws waits for Matplotlib.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    flights = sorted({row.cluster.rounds_in_flight for row in rows})
    sizes = sorted({row.cluster.round_size for row in rows})
    with rc_context(figures.STYLE):
        drawn = Figure((3.4 * len(flights) + 1.4, 3.8), layout="constrained")
        panels = drawn.subplots(1, len(flights), sharey=True, squeeze=False)
        for axes, flight in zip(panels[0], flights, strict=True):
            chosen = [
                row for row in rows if row.cluster.rounds_in_flight == flight
            ]
            _panel(axes, chosen, sizes, target)
            rounds = "round" if flight == 1 else "rounds"
            axes.set_title(f"{flight} {rounds} in flight", fontsize=10)
        panels[0][0].set_ylabel("utilisation, %")
        drawn.legend(
            *panels[0][0].get_legend_handles_labels(),
            title="round size",
            loc="outside right center",
            frameon=False,
        )
        if title:
            drawn.suptitle(title, fontsize=11)
    return drawn


def _panel(axes, rows, sizes, target):
    # One step for each: 450 and 500 would stand on each other in a scale.
    workers = sorted({row.cluster.workers for row in rows})
    for number, size in enumerate(sizes):
        points = sorted(
            (
                workers.index(row.cluster.workers),
                100 * row.prediction.utilisation,
            )
            for row in rows
            if row.cluster.round_size == size
        )
        axes.plot(
            *zip(*points, strict=True),
            marker="o",
            markersize=4,
            linewidth=1.6,
            color=COLORS[number % len(COLORS)],
            label=f"{size:,}",
        )
    axes.axhline(
        100 * target, color=figures.INK, linewidth=0.8, linestyle=(0, (4, 3))
    )
    axes.set_xticks(range(len(workers)), [f"{count:,}" for count in workers])
    axes.set_ylim(0, 103)
    axes.set_xlabel("workers")
    axes.grid(alpha=0.25, linewidth=0.6)
