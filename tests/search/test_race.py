"""The race: whom it trains again, what it believes, and that it goes on."""

import json

import numpy as np
import pytest

from nasnet_tf.search.journal.beliefs import (
    Belief,
    read_beliefs,
    recommended,
)
from nasnet_tf.search.journal.reading import read_run
from nasnet_tf.search.journal.records import (
    ChildRecord,
    read_journal,
    read_trainings,
    training_name,
)
from nasnet_tf.search.race import Race
from nasnet_tf.search.report.page import write_report
from nasnet_tf.search.workers.child_thread import child_seed
from tests.search.runs import (
    SURROGATE,
    StandInTrainer,
    run_search,
    small_search,
)

RACE = f"{SURROGATE},budget.race=12"


def record(child, reward, failure=None, repeat=0):
    return ChildRecord(
        child, 0, (child,), None, reward, reward, failure=failure, repeat=repeat
    )


def run_race(truth, noise, trainings, beliefs=None, seed=0, fails=()):
    """A race of children of this true worth."""
    generator = np.random.default_rng(seed)

    def reward(child):
        return float(truth[child] + noise * generator.standard_normal())

    first = [record(child, reward(child)) for child in range(len(truth))]
    race = Race(first, beliefs or {}, trainings, most=10)
    trained = []
    while children := race.propose():
        trained += children
        race.learn(
            [
                record(
                    c.child,
                    0.0 if c.child in fails else reward(c.child),
                    "diverged" if c.child in fails else None,
                    c.repeat,
                )
                for c in children
            ]
        )
    return race, first, trained


@pytest.mark.parametrize("believes", [False, True])
def test_the_race_finds_what_one_training_does_not(believes):
    gained = {"first": [], "race": []}
    told, noises, kept = [], [], []
    for seed in range(20):
        generator = np.random.default_rng((seed, 1))
        truth = 0.5 + 0.05 * generator.standard_normal(60)
        beliefs = {}
        if believes:
            beliefs = {
                child: Belief(worth + 0.03 * generator.standard_normal(), 0.03)
                for child, worth in enumerate(truth)
            }
        race, first, trained = run_race(truth, 0.05, 40, beliefs, seed)
        assert race.done == len(trained) <= 40
        numbers = [(child.child, child.repeat) for child in trained]
        assert len(set(numbers)) == len(numbers)
        believed = race.beliefs()
        (before,) = recommended(first, beliefs, 1)
        (after,) = recommended(first, believed, 1)
        gained["first"].append(truth[before.child])
        gained["race"].append(truth[after.child])
        told.append(believed[after.child].expected)
        noises.append(race.noise)
        kept.append(believed[after.child].uncertainty)
    found = np.array(gained["race"])
    assert found.mean() > np.mean(gained["first"]) + 0.005
    # The highest reward of 60 is told by a race for what it is.
    assert np.mean(told) == pytest.approx(found.mean(), abs=0.01)
    assert np.mean(noises) == pytest.approx(0.05, rel=0.15)
    errors = (np.array(told) - found) / np.array(kept)
    assert 0.5 < np.sqrt((errors**2).mean()) < 1.6


def test_a_race_ends_when_one_is_told_apart():
    truth = np.full(30, 0.4)
    truth[7] = 0.8
    race, first, _ = run_race(truth, 0.01, 200)
    assert race.told_apart() and race.done < 60
    (best,) = recommended(first, race.beliefs(), 1)
    assert best.child == 7


def test_one_repeat_tells_nothing_apart():
    # A model that takes few rewards for the whole truth.
    beliefs = {n: Belief(0.3 + 0.01 * n, 1e-4) for n in range(20)}
    first = [record(n, beliefs[n].expected) for n in range(20)]
    race = Race(first, beliefs, 10, most=10)
    race.learn([record(race.propose()[0].child, 0.2, repeat=1)])
    assert not race.told_apart() and race.noise > 0.01


def test_children_that_fail_again_are_not_recommended():
    truth = np.linspace(0.3, 0.6, 20)
    race, first, trained = run_race(truth, 0.01, 30, fails=[19])
    assert 19 in {child.child for child in trained}
    assert 19 not in race.beliefs()
    assert recommended(first, race.beliefs(), 1)[0].child == 18


def test_a_race_that_all_fail_ends(tmp_path):
    class FailsAgain(StandInTrainer):
        def train(self, genotype, seed):
            self.fails = lambda genotype, seed: (
                "diverged" if self.trained.count(genotype.name) > 1 else None
            )
            return super().train(genotype, seed)

    config = small_search("budget.race=24")
    result, _ = run_search(config, tmp_path, FailsAgain())
    failed = {r.child for r in read_trainings(tmp_path) if r.repeat}
    assert result.complete and result.best.child not in failed
    page = write_report(tmp_path).read_text()
    assert "failed again" in page and "nan" not in page


def test_who_cannot_race():
    failed = record(1, 0.0, "diverged")
    alone = Race([record(0, 0.5), failed], {}, 5, most=5)
    assert alone.propose() == [] and list(alone.beliefs()) == [0]
    # A table without noise, all of whose rewards are equal.
    equal, _, trained = run_race(np.full(5, 0.5), 0.0, 6)
    assert len(trained) == 6 and len(equal.beliefs()) == 5


def test_a_search_ends_with_its_race(tmp_path):
    result, trainer = run_search(small_search(RACE), tmp_path)
    assert result.complete and result.samples == len(result.records) == 24
    trainings = read_trainings(tmp_path)
    repeats = [r for r in trainings if r.repeat]
    assert len(trainings) == len(trainer.trained) and 0 < len(repeats) <= 12
    first = {r.child: r for r in result.records}
    for repeat in repeats:
        assert repeat.decisions == first[repeat.child].decisions
        assert repeat.reward != first[repeat.child].reward
    beliefs = read_beliefs(tmp_path)
    (best,) = recommended(read_journal(tmp_path), beliefs, 1)
    assert result.best == best
    written = json.loads((tmp_path / "best.json").read_text())
    assert written == best.genotype
    page = write_report(tmp_path).read_text()
    assert "failed again" not in page
    assert "The race of the best" in page and "in the search" in page
    assert f"<td>child {best.child}</td>" in page or str(best.child) in page
    run = read_run(tmp_path)
    assert run.repeats == repeats and run.best(1) == [best]
    # The same command reads what there is.
    again, idle = run_search(small_search(RACE), tmp_path)
    assert again == result and not idle.trained


class Stops(StandInTrainer):
    """Ends a search at its training of this number."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def train(self, genotype, seed):
        if len(self.trained) == self.at:
            raise KeyboardInterrupt
        return super().train(genotype, seed)


def test_a_race_goes_on_where_it_stopped(tmp_path):
    whole, _ = run_search(small_search(RACE), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_search(small_search(RACE), tmp_path / "parts", Stops(29))
    assert "failed again" not in write_report(tmp_path / "parts").read_text()
    assert len(read_trainings(tmp_path / "parts")) == 29
    parts, trainer = run_search(small_search(RACE), tmp_path / "parts")
    assert parts.best == whole.best or (
        parts.best.decisions == whole.best.decisions
    )
    assert read_beliefs(tmp_path / "parts") == read_beliefs(tmp_path / "whole")
    rest = len(read_trainings(tmp_path / "whole")) - 29
    assert len(trainer.trained) == rest


def test_a_search_goes_on_after_its_race_as_without(tmp_path):
    longer = "budget.samples=36"
    run_search(small_search(RACE), tmp_path / "raced")
    raced, _ = run_search(small_search(SURROGATE, longer), tmp_path / "raced")
    whole, _ = run_search(small_search(SURROGATE, longer), tmp_path / "whole")
    assert raced.digest == whole.digest
    assert read_beliefs(tmp_path / "raced") == read_beliefs(tmp_path / "whole")
    # And the beliefs of a race go with it, where the strategy has none.
    race = "budget.race=6"
    run_search(small_search(race), tmp_path / "random")
    assert read_beliefs(tmp_path / "random")
    run_search(small_search(longer), tmp_path / "random")
    assert not read_beliefs(tmp_path / "random")


def test_repeats_have_seeds_and_names_of_their_own():
    seeds = {child_seed(0, (1, 2), repeat) for repeat in range(3)}
    assert len(seeds) == 3 and child_seed(0, (1, 2)) in seeds
    assert training_name(record(12, 0.5).number) == "child 12"
    number = record(12, 0.5, repeat=2).number
    assert training_name(number) == "child 12, repeat 2"
