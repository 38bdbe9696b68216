"""A search with two goals: what it tries, what it leaves, what it refuses."""

import json

import numpy as np
import pytest

import nasnet_tf
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.config import ObjectiveConfig
from nasnet_tf.search.finalists import jobs
from nasnet_tf.search.finalists.finish import finish
from nasnet_tf.search.finalists.front import REFERENCES, train_references
from nasnet_tf.search.journal.beliefs import Belief, read_beliefs
from nasnet_tf.search.journal.front import front_of
from nasnet_tf.search.journal.records import (
    ChildRecord,
    read_journal,
    read_trainings,
)
from nasnet_tf.search.objective import check_objective, make_objective
from nasnet_tf.search.race import Race
from nasnet_tf.search.space.decisions import DecisionSpace
from nasnet_tf.search.strategies.surrogate.acquisition import FrontGain
from nasnet_tf.search.strategies.surrogate.strategy import Surrogate
from tests.conftest import line_of
from tests.search.runs import (
    SURROGATE,
    StandInData,
    StandInTrainer,
    run_search,
    small_search,
)

FRONT = f"{SURROGATE},objective.cost=parameters,objective.front=true"


def hypervolume(rewards, costs, reward=0.0, cost=1.0):
    """Of the front, between a reward and a cost, on a fine grid."""
    at = np.linspace(0, cost, 20_001)
    reached = [rewards[costs <= c].max(initial=reward) for c in at]
    return np.trapezoid(np.maximum(reached, reward) - reward, at)


def test_the_gain_is_that_of_the_hypervolume():
    means, costs = np.array([0.3, 0.6, 0.5, 0.9]), np.array([0.1, 0.4, 0.6, 1])
    gain = FrontGain(2.0, means, costs, reward=0.1)
    before = hypervolume(means, costs, 0.1, 2.0)
    points = np.array([[0.5, 0.2], [0.8, 0.05], [1.2, 0.5], [0.2, 0.9]])
    # The reference lies beyond the dearest, which may be surpassed there too.
    at = np.array([1.0, 1.5])
    assert (gain.value(np.ones(2), np.zeros(2), at) > 0).all()
    for mean, cost in points:
        found = gain.value(
            np.array([mean]), np.array([0.05]), np.array([cost])
        )[0]
        after = hypervolume(
            np.append(means, mean + 0.1), np.append(costs, cost), 0.1, 2.0
        )
        if after > before + 1e-3:
            assert found == pytest.approx(after - before, abs=1e-3)
        else:
            # By how much it is below the 0.6 of cost 0.4.
            assert found == pytest.approx(-0.3)
    gain.add(1.0, 0.05)
    (nothing,) = gain.value(np.array([0.9]), np.zeros(1), np.array([0.5]))
    assert nothing == pytest.approx(-0.1)
    # Cheaper than all, and better than the reference.
    assert gain.value(np.array([0.2]), np.zeros(1), np.array([0.01]))[0] > 0


SPACE = DecisionSpace(
    (4,) * 10,
    tuple(f"d{n}" for n in range(10)),
    ("x",) * 10,
    (tuple("0123"),) * 10,
)


def goals(decisions):
    """More of each decision costs more, and not all of them are worth it."""
    worth = np.random.default_rng(3).uniform(-0.2, 1, (10, 4)).cumsum(1)
    price = np.random.default_rng(4).uniform(0.2, 1, 10)
    rewards = worth[np.arange(10), decisions].sum(1) / 20
    return rewards, 1 + (price * decisions).sum(1)


def test_the_front_is_found_with_fewer_samples_than_by_chance():
    # Below what most reach no front is looked for.
    reward = 0.45
    strategy = Surrogate(SPACE, 0)
    tried = []
    for _ in range(10):
        tried.append(strategy.propose(10))
        strategy.learn(tried[-1], *goals(tried[-1]))
    chance = SPACE.sample(np.random.default_rng(0), 1000)
    found, random = (
        hypervolume(*goals(rows), reward, cost=20.0)
        for rows in (np.concatenate(tried), chance)
    )
    assert found > 1.05 * random


def test_a_state_with_costs_goes_on():
    whole, parts = Surrogate(SPACE, 1), Surrogate(SPACE, 1)
    for number in range(4):
        proposals = whole.propose(10)
        np.testing.assert_array_equal(parts.propose(10), proposals)
        for strategy in (whole, parts):
            strategy.learn(proposals, *goals(proposals))
        if number == 2:
            parts = Surrogate(SPACE, 9)
            parts.restore(whole.state())
    assert parts.digest() == whole.digest()
    # Of a version that knew no costs.
    state = Surrogate(SPACE, 1).state()
    del state["costs"], state["cost_parameters"]
    Surrogate(SPACE, 1).restore(state)


def record(child, reward, cost, failure=None):
    return ChildRecord(
        child, 0, (child,), None, reward, reward, cost, failure=failure
    )


def test_the_front_follows_what_is_expected():
    records = [
        record(0, 0.5, 10),
        record(1, 0.9, 20),
        record(2, 0.7, 15),
        record(3, 0.6, 5, "diverged"),
        record(4, 0.4, None),
    ]
    assert [r.child for r in front_of(records, {})] == [0, 2, 1]
    beliefs = {n: Belief(0.6 - n / 100, 0.1) for n in range(3)}
    assert [r.child for r in front_of(records, beliefs)] == [0]


def test_a_race_for_a_front_makes_it_known():
    records = [record(n, 0.5 + 0.01 * n, 10.0 + n) for n in range(6)]
    records += [record(n, 0.2, 10.0 + n) for n in range(6, 20)]
    race = Race(records, {}, 12, most=6, front=True)
    while children := race.propose():
        race.learn([record(c.child, 0.5, None) for c in children])
    assert race.done == 12 and 2 <= race.racers <= 6


def test_a_nasnet_that_fails_leaves_a_report(tmp_path, monkeypatch):
    config = small_search(FRONT)
    run_search(config, tmp_path, judge=judged(config))
    monkeypatch.setattr(
        "nasnet_tf.search.finalists.front.make_trainer",
        lambda config, space, given=None: StandInTrainer(
            fails=lambda genotype, seed: (
                "diverged" if genotype.name == "NASNet-B" else None
            )
        ),
    )
    finish(config, tmp_path, quiet=True)
    entries = json.loads((tmp_path / "references.json").read_text())
    assert [entry["failure"] for entry in entries] == [None, "diverged", None]
    page = (tmp_path / "report.html").read_text()
    assert "NASNET_C" in page and "NASNET_B" not in page


def judged(config):
    """The objective of a search, which counts parameters."""
    return make_objective(config, StandInData())


def test_a_search_for_a_front_leaves_its_cells(tmp_path, monkeypatch):
    config = small_search(FRONT, "budget.race=6")
    result, _ = run_search(config, tmp_path, judge=judged(config))
    assert result.complete
    records = read_journal(tmp_path)
    for one in records:
        assert one.reward == one.accuracy and one.cost == one.parameters
    members = front_of(records, read_beliefs(tmp_path))
    repeats = {r.child for r in read_trainings(tmp_path) if r.repeat}
    assert len(repeats) >= 2
    monkeypatch.setattr(
        "nasnet_tf.search.finalists.front.make_trainer",
        lambda config, space, given=None: StandInTrainer(),
    )
    trained = []

    def stand_in(job, folder, quiet, given):
        trained.append((job.model.num_cells, job.runtime.seed))
        return {
            "accuracy": 0.5,
            "test_accuracy": 0.5,
            "seconds": 1.0,
            "parameters": 1000 * len(trained),
            "mult_adds": 1000,
            "failure": None,
        }

    monkeypatch.setattr(jobs, "_train", stand_in)
    config.budget.override(
        {"finalists": 1, "finalist_num_cells": 1, "finalist_filters": 4}
    )
    files = finish(config, tmp_path, quiet=True)
    # Those of the finalists are not those of the children and the front.
    assert trained == [(1, 0)] and config.child.num_cells == 2
    finalists = json.loads((tmp_path / "finalists.json").read_text())
    (entry,) = finalists["finalists"]
    assert entry["reward"] == entry["accuracy"] == 0.5
    front = [f for f in files if f.parent.name == "front"]
    assert [f.stem for f in front] == [f"child_{r.child}" for r in members]
    genotype = nasnet_tf.get_genotype(str(front[0]))
    assert genotype.normal.blocks
    references = json.loads((tmp_path / "references.json").read_text())
    assert [entry["name"] for entry in references] == list(REFERENCES)
    for entry in references:
        assert len(set(entry["rewards"])) == 3
        assert entry["cost"] == entry["parameters"] > 20_000
        assert entry["filters"] == 24
    page = (tmp_path / "report.html").read_text()
    assert "The front" in page and f"front/{front[0].name}" in page
    assert page.count("NASNET_B") >= 1
    # What is done is not done again.
    monkeypatch.setattr("nasnet_tf.search.finalists.front.make_trainer", None)
    assert train_references(config, tmp_path).is_file()


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"front": True}, "objective.front: True without a cost; give"),
        (
            {"front": True, "cost": "parameters", "target": 5.0},
            "objective.target: 5.0 beside objective.front",
        ),
    ],
)
def test_goals_that_contradict_are_one_line(fields, line):
    with pytest.raises(InputError, match=line) as error:
        check_objective(ObjectiveConfig(**fields))
    line_of(error)


@pytest.mark.parametrize(
    ("cost", "line"),
    [
        (None, "objective.front: True, and no child has a cost"),
        (0.0, "all 12 children so far failed, .*its cost is 0.0"),
    ],
)
def test_what_makes_no_front_is_one_line(tmp_path, cost, line):
    def judge(genotype, accuracy):
        return {"reward": accuracy, "cost": cost}

    config = small_search(FRONT, "budget.round_size=12")
    with pytest.raises(InputError, match=line) as error:
        run_search(config, tmp_path, judge=judge)
    line_of(error)


def test_a_strategy_of_one_goal_is_one_line(tmp_path):
    config = small_search("objective.cost=parameters,objective.front=true")
    with pytest.raises(InputError, match=r"strategy.name 'random'") as error:
        run_search(config, tmp_path / "new")
    line_of(error)
    assert not (tmp_path / "new/config.yaml").exists()
