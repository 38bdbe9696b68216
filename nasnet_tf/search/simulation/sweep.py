"""Many shapes of a search foretold, and one that was compared."""

import itertools
from collections.abc import Sequence

from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.files.output_file import make_folder, written_beside
from nasnet_tf.search.journal.reading import read_run
from nasnet_tf.search.simulation import (
    ROUND_SIZES,
    ROUNDS_IN_FLIGHT,
    SAMPLES,
    TARGET,
    WORKERS,
)
from nasnet_tf.search.simulation import page as simulation_page
from nasnet_tf.search.simulation.cluster import (
    HOUR,
    Cluster,
    draw_child_seconds,
    simulate,
)

DPI = 130


def sweep(
    measured: Sequence[float],
    workers: Sequence[int] = WORKERS,
    round_sizes: Sequence[int] = ROUND_SIZES,
    rounds_in_flight: Sequence[int] = ROUNDS_IN_FLIGHT,
    samples: int = SAMPLES,
    seed: int = 0,
    **cluster,
) -> list[simulation_page.Row]:
    """Simulates every combination, all on the same children.

    Args:
        measured: seconds of some children; those of the search are drawn
            from them.
        workers: numbers of workers.
        round_sizes: architectures of a round.
        rounds_in_flight: see `Cluster`.
        samples: children of a search.
        seed: of the draws and of failures.
        **cluster: further arguments of `Cluster`.

    Raises:
        InputError: an argument is bad.
    """
    check_integer("samples", samples)
    children = draw_child_seconds(measured, samples, seed)
    rows = []
    for chosen in itertools.product(workers, round_sizes, rounds_in_flight):
        shape = Cluster(*chosen, **cluster)
        prediction = simulate(shape, children, seed)
        rows.append(simulation_page.Row(shape, prediction, samples))
    return rows


def freshest(
    rows: Sequence[simulation_page.Row], workers: int, target: float = TARGET
) -> simulation_page.Row | None:
    """The row that reaches a utilisation with the least stale controller.

    Args:
        rows: of `sweep`.
        workers: rows of other numbers of workers do not count.
        target: utilisation, until the last child is claimed: how the search
            ends is the same for every shape of the loop.

    Returns:
        None where no row reaches it.
    """
    reaching = [
        row
        for row in rows
        if row.cluster.workers == workers and row.prediction.steady >= target
    ]
    return min(
        reaching,
        key=lambda row: (
            row.prediction.staleness_steps,
            row.cluster.round_size,
        ),
        default=None,
    )


def compare_with_run(model_dir, **cluster) -> dict:
    """What a search did beside what the simulation says of it.

    Both begin when the workers are ready.

    Args:
        model_dir: of a search.
        **cluster: further arguments of `Cluster`, such as `update_seconds`.

    Returns:
        `workers`, `children`, and of each of `utilisation`, `seconds` and
        `children_per_hour` a pair: measured, predicted.

    Raises:
        InputError: no such search.
    """
    run = read_run(model_dir)
    budget = run.config.get("budget", {})
    shape = Cluster(
        run.workers,
        budget.get("round_size", len(run.records)),
        budget.get("rounds_in_flight", 1),
        **cluster,
    )
    predicted = simulate(shape, run.seconds)
    busy, children = run.seconds.sum(), len(run.records)
    return {
        "workers": run.workers,
        "children": children,
        "utilisation": (
            busy / (run.elapsed * run.workers),
            predicted.utilisation,
        ),
        "seconds": (run.elapsed, predicted.seconds),
        "children_per_hour": (
            children / run.elapsed * HOUR,
            children / predicted.seconds * HOUR,
        ),
    }


def write(
    rows: Sequence[simulation_page.Row], out, target: float = TARGET
) -> list:
    """Writes `simulation.md`, `.csv` and `.png`.

    Args:
        rows: of `sweep`.
        out: the folder; made where it is missing.
        target: utilisation that the picture marks.

    Returns:
        The paths.

    Raises:
        InputError: a file cannot be written.
    """
    folder = make_folder(out)
    for suffix, text in (
        ("md", simulation_page.to_markdown(rows) + "\n"),
        ("csv", simulation_page.to_csv(rows)),
    ):
        with written_beside(folder / f"simulation.{suffix}") as beside:
            beside.write_text(text, encoding="utf-8")
    picture = simulation_page.figure(rows, target)
    with written_beside(folder / "simulation.png") as beside:
        picture.savefig(beside, format="png", dpi=DPI, facecolor="white")
    return [folder / f"simulation.{suffix}" for suffix in ("md", "csv", "png")]
