"""The search loop in one process, with children that take no time."""

import json
import os
import signal
import time

import numpy as np
import pytest

import nasnet_tf
from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.search.journal.claims import MOST_DEATHS, Claims
from nasnet_tf.search.journal.records import (
    Journal,
    history,
    read_journal,
    read_rounds,
)
from nasnet_tf.search.journal.state import checkpoints
from nasnet_tf.search.space.decisions import DecisionSpace
from nasnet_tf.search.workers.child_thread import Child, ChildThread, child_seed
from nasnet_tf.search.workers.supervision import VARIABLE
from tests.conftest import line_of
from tests.search.runs import (
    RL,
    SURROGATE,
    StandInTrainer,
    accuracy_alone,
    run_search,
    small_search,
)

FEW = "space.operations=['identity'],space.combiners=['add']"
LEARNING = {
    "random": "strategy.name=random",
    "evolution": (
        "strategy.name=evolution,strategy.population=8,strategy.tournament=3"
    ),
    "rl": RL,
    "surrogate": SURROGATE,
}


class Ends(StandInTrainer):
    """Raises what ends a search at its child of this number."""

    def __init__(self, at, error):
        super().__init__()
        self.at, self.error = at, error

    def train(self, genotype, seed):
        if len(self.trained) == self.at:
            raise self.error
        return super().train(genotype, seed)


def test_every_sample_has_its_reward(tmp_path):
    config = small_search(RL)
    result, trainer = run_search(config, tmp_path, judge=None)
    assert result.complete and result.samples == 24
    rounds = read_rounds(tmp_path / "metrics.jsonl")
    samples = history(read_journal(tmp_path), rounds)
    assert len(samples) == 24 and len(rounds) == 4
    assert sorted(trainer.trained) == sorted(
        record.genotype["name"] for record in result.records
    )
    for number, line in enumerate(rounds):
        rewards = [r.reward for r in samples[6 * number : 6 * number + 6]]
        assert line["mean"] == pytest.approx(np.mean(rewards))
        assert line["samples"] == 6 * number + 6
        assert line["entropy"] > 0
    best = max(samples, key=lambda record: record.reward)
    assert result.best == best
    assert rounds[-1]["best"] == best.reward
    genotype = nasnet_tf.get_genotype(str(tmp_path / "best.json"))
    assert genotype.to_dict() == best.genotype
    # What the objective counted, of the network that a child is.
    network = nasnet_tf.NASNet(
        genotype,
        num_cells=config.child.num_cells,
        penultimate_filters=genotype.filters_divisor * config.child.filters,
        stem="cifar",
        stem_multiplier=config.child.stem_multiplier,
        input_shape=(32, 32, 3),
        classes=10,
    )
    counted = sum(int(np.prod(v.shape)) for v in network.trainable_variables)
    assert best.parameters in (counted, network.count_params())
    assert rounds[-1]["digest"] == result.digest


def test_repeats_are_not_trained(tmp_path):
    result, trainer = run_search(
        small_search(FEW, "budget.samples=60"), tmp_path
    )
    assert len(trainer.trained) == len(set(trainer.trained))
    assert len(trainer.trained) == len(result.records) <= 16
    lines = read_rounds(tmp_path / "metrics.jsonl")
    samples = history(result.records, lines)
    assert len(samples) == 60
    # A child has the number of the first sample that proposed it.
    for number, record in enumerate(samples):
        first = next(i for i, r in enumerate(samples) if r is record)
        assert record.child == first <= number
        assert record.round == first // 6


@pytest.mark.parametrize(
    ("strategy", "in_flight"),
    [
        ("random", 1),
        *(("evolution", n) for n in (1, 2, 3)),
        ("rl", 2),
        ("surrogate", 1),
        ("surrogate", 2),
    ],
)
def test_stopped_anywhere_it_ends_the_same(tmp_path, strategy, in_flight):
    config = small_search(
        LEARNING[strategy], f"budget.rounds_in_flight={in_flight}"
    )
    whole, _ = run_search(config, tmp_path / "whole")
    trained = []
    for at in (0, 4, 7):
        trainer = Ends(at, InputError("stop here"))
        with pytest.raises(InputError, match="stop here"):
            run_search(config, tmp_path / "parts", trainer)
        trained += trainer.trained
    last, trainer = run_search(config, tmp_path / "parts")
    trained += trainer.trained
    assert len(trained) == len(set(trained)) == len(whole.records)
    assert last.digest == whole.digest
    metrics = [
        [
            {k: v for k, v in line.items() if k != "seconds"}
            for line in read_rounds(tmp_path / name / "metrics.jsonl")
        ]
        for name in ("whole", "parts")
    ]
    assert metrics[0] == metrics[1] and len(metrics[0]) == 4
    attempts = {record.child: record.attempt for record in last.records}
    assert max(attempts.values()) > 1


@pytest.mark.parametrize("in_flight", [1, 2])
def test_prolonged_it_is_the_longer_search(tmp_path, in_flight):
    more = f"budget.rounds_in_flight={in_flight},{LEARNING['evolution']}"
    whole, _ = run_search(
        small_search(more, "budget.samples=42"), tmp_path / "whole"
    )
    short, _ = run_search(
        small_search(more, "budget.samples=18"), tmp_path / "parts"
    )
    assert short.samples == len(short.records) == 18
    long, _ = run_search(
        small_search(more, "budget.samples=42"), tmp_path / "parts"
    )
    assert long.digest == whole.digest != short.digest
    with pytest.raises(InputError, match=r"below the 42 that are") as error:
        run_search(small_search(more, "budget.samples=18"), tmp_path / "parts")
    line_of(error)


@pytest.mark.parametrize("damaged", [1, 3])
def test_damaged_checkpoints_cost_no_child(tmp_path, damaged):
    config = small_search(LEARNING["evolution"])
    whole, _ = run_search(config, tmp_path)
    for path in checkpoints(tmp_path)[-damaged:]:
        path.write_bytes(b"x")
    again, trainer = run_search(config, tmp_path)
    assert again.digest == whole.digest
    assert trainer.trained == []
    assert len(read_rounds(tmp_path / "metrics.jsonl")) == 4


def test_journal_that_lacks_children_is_one_line(tmp_path):
    run_search(small_search(), tmp_path)
    (tmp_path / "journal" / "worker_0.jsonl").unlink()
    with pytest.raises(InputError, match=r"lacks child 0, which") as error:
        run_search(small_search(), tmp_path)
    line_of(error)


def test_failed_children_count_nothing_and_the_search_goes_on(tmp_path):
    class Fails(StandInTrainer):
        def train(self, genotype, seed):
            result = super().train(genotype, seed)
            if len(self.trained) == 3:
                raise MemoryError("no room\nfor it")
            return result

    def every_fifth(genotype, seed):
        return "diverged: the loss is nan at step 7" if seed % 5 == 0 else None

    trainer = Fails(fails=every_fifth)
    result, _ = run_search(small_search(), tmp_path, trainer)
    assert result.complete
    failed = {r.failure: r for r in result.records if r.failure}
    assert set(failed) == {
        "MemoryError: no room",
        "diverged: the loss is nan at step 7",
    }
    assert all(r.reward == r.accuracy == 0 for r in failed.values())
    lines = read_rounds(tmp_path / "metrics.jsonl")
    failures = sum(bool(r.failure) for r in result.records)
    assert sum(line["failures"] for line in lines) == failures


class Sickens(StandInTrainer):
    """Trains two children, and then none."""

    def train(self, genotype, seed):
        result = super().train(genotype, seed)
        if len(self.trained) > 2:
            raise OSError("the device is gone")
        return result


def test_a_worker_that_cannot_train_any_more_ends(tmp_path):
    trainer = Sickens()
    with pytest.raises(JobError, match=r"worker 0 trained .* 3 in a row") as e:
        run_search(small_search(), tmp_path, trainer)
    assert "'OSError: the device is gone'" in line_of(e)
    assert len(trainer.trained) == 5
    records = read_journal(tmp_path)
    # The third is tried again, where the machine is well.
    assert [bool(r.failure) for r in records] == [False, False, True, True]
    result, _ = run_search(small_search(), tmp_path)
    assert result.complete
    assert sum(bool(r.failure) for r in result.records) == 2


def test_a_worker_that_diverges_is_not_sick(tmp_path):
    trainer = StandInTrainer(
        fails=lambda genotype, seed: "diverged" if seed % 10 else None
    )
    result, _ = run_search(small_search(), tmp_path, trainer)
    assert result.complete
    assert sum(bool(r.failure) for r in result.records) > 10


def test_nothing_but_failures_ends_the_search(tmp_path):
    trainer = StandInTrainer(fails=lambda genotype, seed: "diverged")
    with pytest.raises(
        InputError, match=r"all 12 children so far failed, the "
    ):
        run_search(small_search(), tmp_path, trainer)
    # Too few to give up early, and nothing found at the end.
    few = small_search("budget.samples=6,budget.round_size=6")
    for _ in range(2):
        with pytest.raises(InputError, match=r"all 6 children so far failed"):
            run_search(few, tmp_path / "few", trainer)
    assert not (tmp_path / "few/best.json").exists()


def test_rewards_that_are_no_number_are_failures(tmp_path):
    def judge(genotype, accuracy):
        return {"reward": float("nan") if accuracy < 0.5 else accuracy}

    result, _ = run_search(small_search(), tmp_path, judge=judge)
    failed = [record for record in result.records if record.failure]
    assert failed and all(r.failure == "its reward is nan" for r in failed)
    assert result.best.reward > 0 and not result.best.failure


def test_seed_of_a_child():
    seeds = {
        child_seed(s, (a, b)) for s in (0, 1) for a in (0, 1) for b in (0, 1)
    }
    assert len(seeds) == 8
    assert child_seed(3, (1, 2)) == child_seed(3, (1, 2)) < 1_000_000_000
    assert child_seed(0, (1, 23)) != child_seed(0, (12, 3))


def test_seeds_do_not_depend_on_who_trains(tmp_path):
    one, _ = run_search(small_search(), tmp_path / "one")
    again, _ = run_search(small_search(), tmp_path / "two")
    other, _ = run_search(small_search("runtime.seed=1"), tmp_path / "three")
    rewards = [[r.reward for r in x.records] for x in (one, again, other)]
    assert rewards[0] == rewards[1] != rewards[2]


def test_interrupt_keeps_what_is_done(tmp_path):
    class Interrupts(StandInTrainer):
        def train(self, genotype, seed):
            if len(self.trained) == 8:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.3)
            return super().train(genotype, seed)

    whole, _ = run_search(small_search(), tmp_path / "whole")
    stopped, _ = run_search(small_search(), tmp_path / "parts", Interrupts())
    assert not stopped.complete and stopped.samples == 6
    last, _ = run_search(small_search(), tmp_path / "parts")
    assert last.digest == whole.digest


def test_threads_share_the_children(tmp_path):
    children = [Child(number, 0, (number,)) for number in range(40)]
    space = DecisionSpace((40,), ("x",), ("x",), (tuple("x" * 40),))
    trainers = [StandInOfDecisions() for _ in range(3)]
    threads = []
    for worker, trainer in enumerate(trainers):
        threads.append(
            ChildThread(
                lambda trainer=trainer: (trainer, accuracy_alone),
                space,
                0,
                Journal(tmp_path, worker),
                Claims(tmp_path, worker),
                worker,
                poll=0.01,
            )
        )
        threads[-1].offer(children)
    for thread in threads:
        thread.start()
    give_up = time.monotonic() + 20
    while len(read_journal(tmp_path)) < 40 and time.monotonic() < give_up:
        time.sleep(0.01)
    for thread in threads:
        thread.end()
        thread.join()
        thread.check()
    trained = [number for trainer in trainers for number in trainer.trained]
    assert sorted(trained) == [(number,) for number in range(40)]
    assert min(len(trainer.trained) for trainer in trainers) > 0
    by_worker = {r.child: r.worker for r in read_journal(tmp_path)}
    for worker, trainer in enumerate(trainers):
        assert all(by_worker[number] == worker for (number,) in trainer.trained)


@pytest.mark.parametrize("deaths", [MOST_DEATHS - 1, MOST_DEATHS])
def test_a_child_that_workers_die_of_is_left_out(tmp_path, deaths):
    for _ in range(deaths):
        claims = Claims(tmp_path)
        claims.take(5)
        assert claims.blame(0, "out of memory", finished=set()) == 5
        claims.sweep(finished=set())
    result, trainer = run_search(small_search(), tmp_path)
    assert result.complete
    left_out = result.records[5]
    assert left_out.child == 5 and left_out.attempt == deaths + 1
    if deaths < MOST_DEATHS:
        assert left_out.failure is None and len(trainer.trained) == 24
        return
    assert left_out.reward == left_out.accuracy == 0
    assert left_out.failure == ("out of memory; 2 attempts ended so")
    assert len(trainer.trained) == 23
    assert sum(bool(record.failure) for record in result.records) == 1


class StandInOfDecisions(StandInTrainer):
    def train(self, decisions, seed):
        named = type("Named", (), {"name": str(decisions)})
        result = super().train(named, seed)
        self.trained[-1] = decisions
        time.sleep(0.005)
        return result


def test_table_stands_in_for_training(tmp_path):
    space = DecisionSpace(
        (3, 4), ("a", "b"), ("a", "b"), (("x",) * 3, ("y",) * 4)
    )
    result, trainer = run_search(
        small_search(), tmp_path, StandInOfDecisions(), space=space, judge=None
    )
    assert result.complete and len(result.records) <= 12
    assert set(trainer.trained) == {r.decisions for r in result.records}
    assert json.loads((tmp_path / "best.json").read_text()) == {
        "decisions": list(result.best.decisions)
    }


def test_a_supervised_worker_does_not_end_well_by_a_signal(
    tmp_path, monkeypatch
):
    """Its supervisor would take the search for done."""
    monkeypatch.setenv(VARIABLE, "1")
    handlers = []

    class Looks(StandInTrainer):
        def train(self, genotype, seed):
            handlers.append(signal.getsignal(signal.SIGTERM))
            return super().train(genotype, seed)

    run_search(small_search(), tmp_path, Looks())
    assert set(handlers) == {signal.SIG_DFL}
