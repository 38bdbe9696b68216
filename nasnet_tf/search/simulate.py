r"""Predicts how a search would run on a cluster, from how long children take.

python -m nasnet_tf.search.simulate --model_dir=runs/search
python -m nasnet_tf.search.simulate --child_seconds=8640 --spread=0.3 \
    --workers=450 --round_sizes=100,500,2000 --rounds_in_flight=1,2,4 \
    --out=simulation
"""

import itertools
from collections.abc import Sequence

import numpy as np
from absl import flags

from nasnet_tf import command_line
from nasnet_tf.arguments import check_integer, check_number
from nasnet_tf.errors import InputError
from nasnet_tf.output_file import make_folder, written_beside
from nasnet_tf.search import simulation_page
from nasnet_tf.search.report.reading import read_run
from nasnet_tf.search.simulation import (
    HOUR,
    Cluster,
    draw_child_seconds,
    simulate,
    spread_child_seconds,
)
from nasnet_tf.search.strategies.reinforcement.settings import (
    ControllerSettings,
)

WORKERS = (1, 2, 20, 100, 450, 500)
ROUND_SIZES = (20, 100, 500, 2000)
ROUNDS_IN_FLIGHT = (1, 2, 3)
SAMPLES = 20_000
TARGET = 0.95
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


def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    measured = _measured(values)
    print(
        f"a child takes {measured.mean():,.2f} s, {measured.min():,.2f} to "
        f"{measured.max():,.2f}, standard deviation {measured.std():,.2f}"
    )
    check_number("target", values.target, "(0, 1]")
    overheads = {
        "update_seconds": values.update_seconds,
        "claim_seconds": values.claim_seconds,
        "start_seconds": values.start_seconds,
    }
    if values.model_dir:
        # The journal does not know when the workers were started.
        ready = {**overheads, "start_seconds": 0.0}
        _print_comparison(compare_with_run(values.model_dir, **ready))
    workers = _integers("workers", values.workers)
    rows = sweep(
        measured,
        workers,
        _integers("round_sizes", values.round_sizes),
        _integers("rounds_in_flight", values.rounds_in_flight),
        values.samples,
        values.seed,
        failures_per_hour=values.failures_per_hour,
        minibatch_size=values.minibatch_size,
        epochs=values.epochs,
        **overheads,
    )
    print("\n" + simulation_page.to_markdown(rows) + "\n")
    for count in workers:
        print(_verdict(rows, count, values.target))
    if values.out:
        for path in write(rows, values.out, values.target):
            print(f"wrote {path}")


def _verdict(rows, workers, target):
    best = freshest(rows, workers, target)
    wanted = f"{target:.0%} with {workers:,} worker(s): "
    if best is None:
        return wanted + "no such round reaches it; more rounds in flight would"
    return wanted + (
        f"rounds of {best.cluster.round_size:,}, "
        f"{best.cluster.rounds_in_flight} in flight "
        f"({best.prediction.steady:.1%} until the last claim, "
        f"{best.prediction.utilisation:.1%} of all; "
        f"{best.prediction.staleness_steps:.1f} steps stale)"
    )


def _print_comparison(both):
    print(f"{both['children']:,} children on {both['workers']} worker(s)")
    for name, shown in (
        ("utilisation", "{:.1%}"),
        ("seconds", "{:,.1f}"),
        ("children_per_hour", "{:,.1f}"),
    ):
        measured, predicted = (shown.format(value) for value in both[name])
        print(
            f"  {name.replace('_', ' ')}: measured {measured}, predicted "
            f"{predicted}"
        )


def _measured(values):
    if bool(values.model_dir) == bool(values.child_seconds):
        raise InputError(
            "model_dir: give either it or child_seconds, to say how long "
            "children take"
        )
    if values.model_dir:
        return read_run(values.model_dir).seconds
    try:
        seconds = np.array([float(text) for text in values.child_seconds])
    except ValueError:
        raise InputError(
            f"child_seconds: {','.join(values.child_seconds)!r} is not numbers "
            "with commas between"
        ) from None
    for value in seconds:
        check_number("child_seconds", float(value), "(0, inf)")
    if len(seconds) == 1:
        return spread_child_seconds(float(seconds[0]), values.spread)
    return seconds


def _integers(name, texts):
    try:
        return [int(text) for text in texts]
    except ValueError:
        raise InputError(
            f"{name}: {','.join(texts)!r} is not integers with commas between"
        ) from None


if __name__ == "__main__":
    flags.DEFINE_string("model_dir", None, "A search; its children's seconds.")
    flags.DEFINE_list(
        "child_seconds", None, "Seconds of children; one: see spread."
    )
    flags.DEFINE_float(
        "spread", 0.3, "Standard deviation over mean around one child_seconds."
    )
    flags.DEFINE_list("workers", list(map(str, WORKERS)), "Numbers of workers.")
    flags.DEFINE_list(
        "round_sizes", list(map(str, ROUND_SIZES)), "Architectures a round."
    )
    flags.DEFINE_list(
        "rounds_in_flight", list(map(str, ROUNDS_IN_FLIGHT)), "At most."
    )
    flags.DEFINE_integer("samples", SAMPLES, "Children of a search.")
    flags.DEFINE_float("update_seconds", 2.0, "An update of the controller.")
    flags.DEFINE_float("claim_seconds", 0.05, "Between a worker's children.")
    flags.DEFINE_float("start_seconds", 30.0, "Until the workers are ready.")
    flags.DEFINE_float("failures_per_hour", 0.0, "Of one worker.")
    flags.DEFINE_integer(
        "minibatch_size",
        ControllerSettings.minibatch_size,
        "Children of a PPO step.",
    )
    flags.DEFINE_integer(
        "epochs", ControllerSettings.epochs, "PPO passes over a round."
    )
    flags.DEFINE_float("target", TARGET, "Utilisation to look for.")
    flags.DEFINE_integer("seed", 0, "Of the draws and of failures.")
    flags.DEFINE_string("out", None, "Folder for simulation.md, .csv, .png.")
    command_line.run(main)
