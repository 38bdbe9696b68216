"""What a search will cost, told before it."""

import time
import types

import numpy as np
import pytest

from nasnet_tf.checks.errors import JobError
from nasnet_tf.search.children.result import ChildResult
from nasnet_tf.search.config_checks import read_search_config
from nasnet_tf.search.simulation.dry_run import dry_run

SMALL = (
    "space.num_blocks=1,data.source=digits,data.name=null,data.held_out=200,"
    "recipe.epochs=1"
)


def _config(*overrides):
    return read_search_config(override=",".join((SMALL, *overrides)))


class _Trainer:
    def __init__(self, *seconds, failure=None):
        self.seconds, self.failure, self.genotypes = [*seconds], failure, []
        self.data = types.SimpleNamespace(
            steps=20,
            steps_per_epoch=40.0,
            class_names=tuple("0123456789"),
            image_shape=(32, 32, 3),
        )

    def train(self, genotype, seed):
        self.genotypes.append((genotype.to_json(), seed))
        return ChildResult(0.5, 1.0, [], self.seconds.pop(0), self.failure)


def test_dry_run_counts_the_hours():
    config = _config(
        "budget.samples=1000,budget.round_size=20,budget.finalists=3,"
        "budget.finalist_epochs=10,budget.finalist_seeds=2"
    )
    trainer, lines = _Trainer(60.0, 36.0), []
    alone = []

    def train_alone(genotype):
        alone.append(genotype.to_json())
        time.sleep(0.36)

    found = dry_run(
        config,
        trainer,
        lambda *child: {},
        workers=(1, 2),
        tell=lines.append,
        train_alone=train_alone,
    )
    # A network of its own, however its steps were timed.
    assert alone == [trainer.genotypes[1][0]]
    assert len({text for text, _ in trainer.genotypes}) == 2
    # One block: 2 * (2 * 2 * 13 * 13 * 2 options).
    assert found.log10_size == pytest.approx(2 * np.log10(4 * 169 * 2))
    # 20 times the steps: 19 times the next child's, and its own.
    assert found.finalist_hours == pytest.approx(
        3 * 2 * (36 * 19 + 0.36) / 3600, rel=1e-3
    )
    assert found.device_hours == pytest.approx(10, rel=1e-3)
    assert found.hours[1] == pytest.approx(10 + 24 / 3600, rel=1e-3)
    assert 5 < found.hours[2] < 5.4
    assert lines[0].startswith("space A: 10^6.3 architectures, 10 decisions")
    assert lines[1] == "first child, tracing: 60.0 s, 50.00% correct"
    assert "10.0 hours of one device" in lines[3]
    assert lines[-1] == "finalists, after it: 1.14 hours of one device"


def test_dry_run_times_the_objective_too():
    config = _config("objective.cost=latency,objective.target=10")
    trainer, lines = _Trainer(1.0, 1.0), []

    def judge(genotype, accuracy):
        time.sleep(0.5)
        return {"reward": accuracy, "cost": 12.5}

    found = dry_run(config, trainer, judge=judge, tell=lines.append)
    assert 1.5 <= found.first_seconds < 2 and 1.5 <= found.child_seconds < 2
    assert lines[2].startswith(
        "next child: 1.5 s, 50.00% correct, latency 12.5"
    )


def test_dry_run_tells_why_no_child_trains():
    trainer = _Trainer(*[1.0] * 10, failure="out of memory: 3 GiB")
    with pytest.raises(
        JobError, match=r"10 children 10 .*out of memory: 3 GiB"
    ):
        dry_run(_config(), trainer, tell=lambda line: None)


def test_dry_run_passes_over_a_child_that_diverges():
    class Diverges(_Trainer):
        def train(self, genotype, seed):
            self.failure = "diverged" if len(self.seconds) == 2 else None
            return super().train(genotype, seed)

    lines = []
    found = dry_run(_config(), Diverges(1.0, 2.0, 3.0), tell=lines.append)
    assert (round(found.first_seconds), round(found.child_seconds)) == (1, 3)
    assert "a child failed, as some do: diverged" in lines
