r"""Predicts how a search would run on a cluster, from how long children take.

python -m nasnet_tf.search.simulate --model_dir=runs/search
python -m nasnet_tf.search.simulate --child_seconds=8640 --spread=0.3 \
    --workers=450 --round_sizes=100,500,2000 --rounds_in_flight=1,2,4 \
    --out=simulation
"""

import numpy as np
from absl import flags

from nasnet_tf.checks.arguments import check_number
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.journal.reading import read_run
from nasnet_tf.search.simulation import (
    ROUND_SIZES,
    ROUNDS_IN_FLIGHT,
    SAMPLES,
    TARGET,
    WORKERS,
)
from nasnet_tf.search.simulation.cluster import spread_child_seconds
from nasnet_tf.search.strategies.reinforcement.settings import (
    ControllerSettings,
)
from nasnet_tf.terminal import command_line


def main(arguments):
    command_line.check_no_arguments(arguments)
    from nasnet_tf.search.simulation import sweep
    from nasnet_tf.search.simulation.page import to_markdown

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
        _print_comparison(sweep.compare_with_run(values.model_dir, **ready))
    workers = _integers("workers", values.workers)
    rows = sweep.sweep(
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
    print("\n" + to_markdown(rows) + "\n")
    for count in workers:
        best = sweep.freshest(rows, count, values.target)
        print(_verdict(best, count, values.target))
    if values.out:
        for path in sweep.write(rows, values.out, values.target):
            print(f"wrote {path}")


def _verdict(best, workers, target):
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


def define_flags():
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
        ControllerSettings().minibatch_size,
        "Children of a PPO step.",
    )
    flags.DEFINE_integer(
        "epochs", ControllerSettings().epochs, "PPO passes over a round."
    )
    flags.DEFINE_float("target", TARGET, "Utilisation to look for.")
    flags.DEFINE_integer("seed", 0, "Of the draws and of failures.")
    flags.DEFINE_string("out", None, "Folder for simulation.md, .csv, .png.")


if __name__ == "__main__":
    command_line.run(main, define_flags)
