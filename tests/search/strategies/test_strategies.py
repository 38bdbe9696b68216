"""What all strategies promise, and random search and evolution in numbers."""

import dataclasses

import numpy as np
import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.sections import Section, field
from nasnet_tf.search import strategies
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.config_checks import (
    check_search_config,
    read_search_config,
)
from nasnet_tf.search.space.decisions import DecisionSpace
from nasnet_tf.search.strategies import (
    STRATEGIES,
    make_strategy,
    register_strategy,
)
from nasnet_tf.search.strategies.evolution import Evolution, EvolutionSettings
from nasnet_tf.search.strategies.random import RandomSearch

SIZES = (3, 4, 1, 2)
SPACE = DecisionSpace(
    SIZES,
    tuple("abcd"),
    ("x", "x", "y", "z"),
    tuple(tuple("0123"[:size]) for size in SIZES),
)


def settings(name, **changes):
    small = {
        "name": name,
        "minibatch_size": 4,
        "epochs": 2,
        "hidden_units": 8,
        "population": 6,
        "tournament": 3,
        "random_first": 4,
    }
    return SearchConfig().strategy.replace(**{**small, **changes})


def reward(decisions):
    return decisions.sum(axis=1) / sum(SIZES)


@pytest.fixture(scope="module", params=STRATEGIES)
def strategy(request):
    return make_strategy(settings(request.param), SPACE, seed=0)


def rounds(strategy, count):
    proposals = []
    for _ in range(count):
        proposals.append(strategy.propose(6))
        strategy.learn(proposals[-1], reward(proposals[-1]))
    return np.stack(proposals)


def test_a_strategy_is_a_function_of_seed_and_rewards(strategy):
    strategy.restart(5)
    first, digest = rounds(strategy, 4), strategy.digest()
    assert first.dtype == np.int32
    SPACE.check(first.reshape(-1, len(SIZES)))
    strategy.restart(5)
    assert (rounds(strategy, 4) == first).all()
    assert strategy.digest() == digest
    strategy.restart(6)
    assert (rounds(strategy, 4) != first).any()
    assert strategy.digest() != digest


def test_a_restored_strategy_goes_on_as_the_other(strategy):
    strategy.restart(5)
    rounds(strategy, 2)
    # Two rounds in flight.
    flying = [strategy.propose(6), strategy.propose(5)]
    state, digest = strategy.state(), strategy.digest()

    def go_on():
        for proposals in flying:
            strategy.learn(proposals, reward(proposals))
        return rounds(strategy, 2), strategy.digest()

    proposals, end = go_on()
    strategy.restart(9)
    assert strategy.digest() != digest
    strategy.restore(state)
    assert strategy.digest() == digest
    again, same_end = go_on()
    assert (again == proposals).all()
    assert same_end == end


def test_probabilities_are_of_every_option(strategy):
    strategy.restart(0)
    rounds(strategy, 1)
    before = strategy.digest()
    parts = strategy.probabilities()
    assert [len(part) for part in parts] == list(SIZES)
    sums = [part.sum() for part in parts]
    assert sums == pytest.approx([1] * len(SIZES), abs=1e-5)
    assert strategy.digest() == before


@pytest.mark.parametrize(
    ("rewards", "line"),
    [
        ([0.1] * 5, r"shape \(5,\) for decisions of shape \(6, 4\)"),
        ([np.nan] * 6, "must be one or more finite numbers"),
    ],
)
def test_rewards_that_cannot_be_learned(strategy, rewards, line):
    strategy.restart(0)
    with pytest.raises(InputError, match=line):
        strategy.learn(strategy.propose(6), rewards)


def test_a_state_of_another_strategy(strategy):
    with pytest.raises(InputError, match=r"state: .* is missing or unknown"):
        strategy.restore({"seed": np.int64(0)})


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"name": "annealing"}, "strategy.name: 'annealing' is unknown"),
        ({"name": "evolution", "population": 0}, "strategy.population: 0"),
        ({"name": "rl", "clip": 1.5}, "strategy.clip: 1.5 is not a number in"),
        ({"name": "rl", "advantage": "x"}, "strategy.advantage: 'x'"),
    ],
)
def test_settings_that_cannot_be_used(changes, line):
    with pytest.raises(InputError, match=line):
        make_strategy(settings(**{"name": "rl", **changes}), SPACE)


def test_a_seed_that_cannot_be_used():
    with pytest.raises(InputError, match="seed: -1 is not an integer >= 0"):
        RandomSearch(SPACE, -1)


def test_random_search_is_uniform():
    strategy = RandomSearch(SPACE, 3)
    drawn = strategy.propose(6000)
    for column, size in zip(drawn.T, SIZES, strict=True):
        share = np.bincount(column, minlength=size) / len(drawn)
        assert share == pytest.approx(np.full(size, 1 / size), abs=0.03)
    assert strategy.learn(drawn[:2], [1, 0]) == {"mean_reward": 0.5}


def test_evolution_changes_one_decision_of_the_best_of_a_tournament():
    settings = EvolutionSettings(population=4, tournament=4)
    settings.tournament = 64
    strategy = Evolution(SPACE, 0, settings)
    strategy.learn(strategy.propose(4), [0, 0, 1, 0])
    best = strategy.state()["members"][2]
    children = strategy.propose(200)
    # A tournament of 64 of 4 leaves the best out with odds of 1e-8.
    changed = children != best
    assert (changed.sum(axis=1) == 1).all()
    # One of the three that have two options or more.
    assert changed.sum(axis=0)[[0, 1, 3]] == pytest.approx([67] * 3, abs=25)
    assert changed.sum(axis=0)[2] == 0


def test_evolution_forgets_the_oldest():
    strategy = Evolution(SPACE, 0, EvolutionSettings(4, 2))
    for value in range(3):
        log = strategy.learn(strategy.propose(3), [value, value, 10 - value])
    assert strategy.state()["rewards"].tolist() == [9, 2, 2, 8]
    assert log["population_mean"] == 5.25
    assert log["population_best"] == 9


def test_evolution_begins_with_a_random_population():
    evolution = Evolution(SPACE, 1, EvolutionSettings(400, 2))
    first = evolution.propose(200)
    evolution.learn(first, np.arange(200))
    second = evolution.propose(200)
    for drawn in (first, second):
        assert np.bincount(drawn[:, 0]) / 200 == pytest.approx(
            [1 / 3] * 3, abs=0.1
        )
    with pytest.raises(InputError, match="every decision has one option"):
        Evolution(DecisionSpace((1,), ("a",), ("a",), (("0",),)))


@dataclasses.dataclass
class Shift(Section):
    """What the strategy of the test below can be told."""

    shift: int = field(1, least=1)

    def __post_init__(self):
        if self.shift > 9:
            raise InputError(f"strategy.shift: {self.shift} is above 9")


class Shifted(RandomSearch):
    def __init__(self, space, seed, settings):
        super().__init__(space, seed + settings.shift, settings)


def test_a_strategy_of_ones_own(monkeypatch):
    with monkeypatch.context() as patch:
        # Registered for this test alone.
        patch.setitem(strategies._STRATEGIES, "mine", None)
        register_strategy("mine", Shifted, Shift)

        def read(override):
            override = f"strategy.name=mine,{override}"
            return read_search_config(["digits"], override)

        config = read("strategy.shift=3")
        check_search_config(config)
        made = make_strategy(config.strategy, SPACE, seed=2)
        expected = RandomSearch(SPACE, 5).propose(5)
        np.testing.assert_array_equal(made.propose(5), expected)
        with pytest.raises(InputError, match="shift: 0 is not a positive"):
            read("strategy.shift=0")
        with pytest.raises(InputError, match="shift: 10 is above 9"):
            check_search_config(read("strategy.shift=10"))
    with pytest.raises(InputError, match="'mine' is unknown"):
        read_search_config(["digits"], "strategy.name=mine")
    with pytest.raises(InputError, match=r"strategy\.shift is unknown"):
        read_search_config(["digits"], "strategy.shift=3")


def test_a_setting_of_another_strategy_means_the_same():
    @dataclasses.dataclass
    class Other(Section):
        population: float = field(0.5)

    with pytest.raises(InputError, match="population is a setting of 'evol"):
        register_strategy("mine", Shifted, Other)
    assert "mine" not in STRATEGIES


def test_settings_of_one_name_mean_the_same_in_all():
    for name, own in strategies._STRATEGIES.copy().items():
        register_strategy(name, own.make, own.settings)
