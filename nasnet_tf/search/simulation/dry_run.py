"""What a search will cost, from a few children."""

import copy
import dataclasses
import time
from collections.abc import Callable, Sequence

import numpy as np

from nasnet_tf.checks.errors import JobError
from nasnet_tf.search.children import make_trainer
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.config_checks import check_search_config, make_space
from nasnet_tf.search.objective import make_objective
from nasnet_tf.search.simulation.cluster import (
    HOUR,
    Cluster,
    simulate,
    spread_child_seconds,
)
from nasnet_tf.search.workers.cluster import connect

WORKERS = (1, 2, 20, 100, 450)
# Spread of the mult-adds of random children of space A (16 %, B 25 %, C 21 %).
SPREAD = 0.2
# Simulated at most; more children last longer in proportion.
_SIMULATED = 5_000
# Samples of which two have to be trained to the end.
_MOST_TRIED = 10


@dataclasses.dataclass(frozen=True)
class Estimate:
    """What a search will cost.

    Args:
        log10_size: of the space.
        first_seconds: of the first child, with tracing.
        child_seconds: of the next one.
        device_hours: of all children on one device.
        hours: of the search by number of workers.
        finalist_hours: of the finalists after it, on one device.
    """

    log10_size: float
    first_seconds: float
    child_seconds: float
    device_hours: float
    hours: dict[int, float]
    finalist_hours: float


def dry_run(
    config: SearchConfig,
    trainer=None,
    judge: Callable | None = None,
    workers: Sequence[int] = WORKERS,
    tell: Callable[[str], None] = print,
    train_alone: Callable | None = None,
) -> Estimate:
    """Trains two children and says what the whole search will cost.

    Every sample counts as a child: repeats, which are not trained, make it
    cheaper. Where there are finalists, which are networks of their own, one
    of the children is trained again as such a network.

    Args:
        config: of the search.
        trainer: with `train(genotype, seed)` and `data`; None: the search's
            own.
        judge: `(genotype, accuracy)` to a dict with the `reward`; None: the
            search's objective, such as the measured latency.
        workers: numbers of workers to tell the hours for.
        tell: gets each line.
        train_alone: trains a genotype as a network of its own; None: as the
            search would.

    Raises:
        InputError: the configuration or the data is bad.
        JobError: hardly any child can be trained.
    """
    check_search_config(config)
    space, budget = make_space(config), config.budget
    tell(
        f"space {space.name}: 10^{space.log10_size:.1f} architectures, "
        f"{len(space.sizes)} decisions"
    )
    if trainer is None:
        # With the threads of a worker.
        connect(config.runtime, 1)
        trainer = make_trainer(config, space)
    if judge is None:
        judge = make_objective(config, trainer.data)
    seconds, genotype = _timed_children(config, space, trainer, judge, tell)
    finalist = 0.0
    if budget.finalists:
        begun = time.monotonic()
        (train_alone or _trained_alone(config, space))(genotype)
        # What is not tracing grows with the steps.
        more = _finalist_ratio(config, trainer) - 1
        finalist = time.monotonic() - begun + more * seconds[1]
    first, child = seconds
    estimate = _estimate(
        config, space.log10_size, first, child, finalist, workers
    )
    _tell(estimate, budget, tell)
    return estimate


def _timed_children(config, space, trainer, judge, tell):
    """Seconds of the first two children that train, and the second of them."""
    generator = np.random.default_rng(config.runtime.seed)
    seconds: list[float] = []
    failure = None
    for number, sample in enumerate(space.sample(generator, _MOST_TRIED)):
        genotype = space.genotype(sample)
        result = trainer.train(genotype, number)
        begun = time.monotonic()
        cost = judge(genotype, result.accuracy).get("cost")
        taken = result.seconds + time.monotonic() - begun
        if result.failure:
            failure = result.failure
            tell(f"a child failed, as some do: {failure}")
            continue
        which = "next child" if seconds else "first child, tracing"
        seconds.append(taken)
        tell(
            f"{which}: {taken:,.1f} s, {result.accuracy:.2%} correct"
            + (f", {config.objective.cost} {cost:,.6g}" if cost else "")
        )
        if len(seconds) == 2:
            return seconds, genotype
    raise JobError(
        f"of {_MOST_TRIED} children {_MOST_TRIED - len(seconds)} cannot be "
        f"trained, the last: {failure}"
    )


def _trained_alone(config, space):
    config = copy.deepcopy(config)
    config.child.method = "built"
    trainer = make_trainer(config, space)
    return lambda genotype: trainer.train(genotype, config.runtime.seed)


def _estimate(config, log10_size, first, child, finalist, workers):
    budget = config.budget
    trainings = budget.finalists * budget.finalist_seeds
    return Estimate(
        log10_size=log10_size,
        first_seconds=first,
        child_seconds=child,
        device_hours=(budget.samples + budget.race) * child / HOUR,
        hours={w: _hours(config, first, child, w) for w in workers},
        finalist_hours=trainings * finalist / HOUR,
    )


def _hours(config, first, child, workers):
    budget = config.budget
    samples = min(budget.samples, max(_SIMULATED, 10 * workers))
    # They come sorted.
    children = np.random.default_rng(0).permutation(
        spread_child_seconds(child, SPREAD, samples)
    )
    cluster = Cluster(
        workers,
        budget.round_size,
        budget.rounds_in_flight,
        # What the first child took longer was tracing, once on each worker.
        start_seconds=max(0.0, first - child),
    )
    found = simulate(cluster, children)
    start = cluster.start_seconds
    rest = (found.seconds - start) * budget.samples / samples
    # The trainings of a race are as long as any.
    rest *= 1 + budget.race / budget.samples
    return (start + rest) / HOUR


def _finalist_ratio(config, trainer):
    """How many times a child's steps a finalist has."""
    epochs = config.budget.finalist_epochs
    if epochs is None:
        return 1.0
    return epochs * trainer.data.steps_per_epoch / trainer.data.steps


def _tell(estimate, budget, tell):
    tell(
        f"{budget.samples:,} samples in rounds of {budget.round_size}, "
        f"{_race_text(budget)}"
        f"{budget.rounds_in_flight} in flight: {estimate.device_hours:,.1f} "
        "hours of one device"
    )
    for workers, hours in estimate.hours.items():
        days = f" ({hours / 24:,.1f} days)" if hours >= 48 else ""
        tell(f"  {workers:>5,} worker(s): {hours:,.2f} hours{days}")
    if estimate.finalist_hours:
        tell(
            f"finalists, after it: {estimate.finalist_hours:,.2f} hours of one "
            "device"
        )


def _race_text(budget):
    return f"at most {budget.race:,} again in a race, " if budget.race else ""
