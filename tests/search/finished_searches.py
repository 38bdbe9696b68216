"""Searches as `nasnet_tf.search.run` leaves them, made of a seed in no time."""

import datetime
import json

import numpy as np
import yaml

from nasnet_tf import NASNet
from nasnet_tf.cells.genotype import Block, Cell, Genotype
from nasnet_tf.search.journal.records import ChildRecord

OPERATIONS = (
    "identity",
    "avg_pool_3x3",
    "max_pool_3x3",
    "separable_conv_3x3",
    "separable_conv_5x5",
    "separable_conv_7x7",
)
BEGUN = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


def child_network(genotype, filters, classes=10, **arguments) -> NASNet:
    """The child of N = 1 on color images of 32 pixels."""
    return NASNet(
        genotype,
        num_cells=1,
        penultimate_filters=filters * genotype.filters_divisor,
        stem="cifar",
        stem_multiplier=3,
        input_shape=(32, 32, 3),
        classes=classes,
        **arguments,
    )


def random_genotype(generator, blocks=5, name="found") -> Genotype:
    """A genotype of the space of NASNet-A, each choice uniform."""
    cells = []
    for _ in range(2):
        made = []
        for number in range(blocks):
            branches = [
                (str(generator.choice(OPERATIONS)), int(state))
                for state in generator.integers(2 + number, size=2)
            ]
            made.append(Block(*branches))
        cells.append(Cell.with_unused_concatenated(made))
    return Genotype(name, *cells)


def write_run(
    folder,
    strategy="rl",
    children=120,
    round_size=20,
    workers=2,
    seed=0,
    gain=0.1,
    failed=3,
    repeats=2,
):
    """Writes config, journals, metrics and probabilities; the records.

    Accuracies rise by `gain` over the run, each worker trains its children
    one after another from noon on, and every round ends with `repeats` samples
    of its first child.
    """
    generator = np.random.default_rng(seed)
    (folder / "journal").mkdir(parents=True)
    config = {
        "space": {"name": "A"},
        "strategy": {"name": strategy},
        "child": {"num_cells": 1, "filters": 8, "stem_multiplier": 3.0},
        "objective": {"cost": "none", "target": None, "exponent": -0.07},
        "budget": {"samples": children, "round_size": round_size},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    free = [0.0] * workers
    records, rounds = [], []
    for child in range(children):
        first = child - child % round_size
        if child % round_size == 0:
            rounds.append([])
        if child - first >= round_size - repeats:
            rounds[-1].append(first)
            continue
        rounds[-1].append(child)
        worker = int(np.argmin(free))
        seconds = float(generator.lognormal(1.0, 0.3))
        free[worker] += seconds
        accuracy = 0.5 + gain * child / children
        accuracy += float(generator.normal(0, 0.05))
        failure = None
        if child % 17 == 5 and failed:
            failed -= 1
            accuracy, failure = 0.0, "diverged: the loss is nan at step 3"
        finished = BEGUN + datetime.timedelta(seconds=free[worker])
        record = ChildRecord(
            child=child,
            round=child // round_size,
            decisions=(child,),
            genotype=random_genotype(generator, name=f"c{child}").to_dict(),
            reward=accuracy,
            accuracy=accuracy,
            parameters=int(generator.integers(20_000, 90_000)),
            mult_adds=int(generator.integers(1e6, 9e6)),
            curve=[{"step": 16, "loss": 1.0, "accuracy": accuracy}],
            seconds=seconds,
            worker=worker,
            failure=failure,
            finished=finished.isoformat(),
        )
        records.append(record)
        with (folder / f"journal/worker_{worker}.jsonl").open("a") as file:
            file.write(record.to_json() + "\n")
    _write_rounds(folder, records, rounds, generator)
    return records


def _write_rounds(folder, records, rounds, generator):
    by_child = {record.child: record for record in records}
    logits = [np.zeros(size) for size in (2, 2, 6, 6)]
    (folder / "probabilities").mkdir()
    best, samples = 0.0, 0
    with (folder / "metrics.jsonl").open("w") as file:
        for number, children in enumerate(rounds):
            rewards = [by_child[child].reward for child in children]
            best, samples = max(best, *rewards), samples + len(children)
            logits = [v + generator.normal(0, 0.4, len(v)) for v in logits]
            shares = [np.exp(v) / np.exp(v).sum() for v in logits]
            name = f"probabilities/round_{number:05}.npz"
            np.savez(folder / name, *shares)
            line = {
                "round": number,
                "samples": samples,
                "best": best,
                "mean": float(np.mean(rewards)),
                "entropy": 30.0 - 0.5 * number,
                "children": children,
                "digest": "0" * 64,
                "seconds": 30.0 * (number + 1),
                "probabilities": name,
            }
            file.write(json.dumps(line) + "\n")
