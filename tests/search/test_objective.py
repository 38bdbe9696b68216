"""Rewards and costs of children."""

import gc

import numpy as np
import pytest

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.config import ChildConfig, ObjectiveConfig
from nasnet_tf.search.costs import litert_latency
from nasnet_tf.search.objective import Objective, check_objective, reward
from nasnet_tf.search.sizes import (
    child_size,
    filters_of_size,
    matched_child,
)
from nasnet_tf.search.space.cell_space import make_cell_space
from nasnet_tf.zoo.mult_adds import (
    count_mult_adds,
    count_network,
    count_parameters,
    count_preset,
)
from nasnet_tf.zoo.presets import get_preset
from tests.search.finished_searches import child_network, random_genotype

CHILD = ChildConfig(num_cells=1, filters=8)
NASNET_A = get_genotype("NASNET_A")


def test_reward_by_hand():
    assert reward(0.8) == 0.8
    assert reward(0.8, cost=75.0, target=75.0) == 0.8
    # MnasNet's own example: twice the cost is worth 5 % of accuracy.
    assert reward(0.8, 150.0, 75.0) == pytest.approx(0.8 * 0.9526, rel=1e-4)
    assert reward(0.8, 4.0, 1.0, exponent=-0.5) == pytest.approx(0.4)
    assert reward(0.0, 10.0, 5.0) == 0


def test_a_cost_without_a_target_is_refused():
    with pytest.raises(InputError, match=r"^target: none given with a cost"):
        reward(0.8, cost=75.0)


@pytest.mark.parametrize("space", ["A", "B", "C"])
def test_a_child_is_counted_as_it_is_built(space):
    space = make_cell_space(space)
    generator = np.random.default_rng(7)
    genotype = space.genotype([generator.integers(n) for n in space.sizes])
    network = child_network(genotype, 8, classes=7)
    size = child_size(genotype, CHILD, classes=7)
    assert size.parameters == count_parameters(network)
    assert size.mult_adds == count_mult_adds(network)


@pytest.mark.parametrize("name", ["NASNET_A", "NASNET_B", "NASNET_C"])
def test_children_of_an_odd_f_are_built_and_counted(name):
    # What is reduced has twice F.
    genotype = get_genotype(name)
    network = child_network(genotype, 5, classes=7)
    child = ChildConfig(num_cells=1, filters=5)
    size = child_size(genotype, child, classes=7)
    assert size.parameters == count_parameters(network)
    logits = network(np.zeros((1, 32, 32, 3), "float32"))
    assert np.isfinite(logits).all()


def test_a_network_is_counted_as_its_preset():
    size = count_network(
        get_genotype("NASNET_A"), 4, 44, (224, 224, 3), 1000, stem="imagenet"
    )
    assert size == count_preset(get_preset("nasnet_a_mobile"))
    assert size.mult_adds == 563_638_816


def test_filters_of_a_size():
    genotype = random_genotype(np.random.default_rng(0))
    parameters = child_size(
        genotype, ChildConfig(num_cells=1, filters=14), 10
    ).parameters
    for filters in (2, 14, 20):
        child = ChildConfig(num_cells=1, filters=filters)
        for wanted in (parameters, int(1.05 * parameters)):
            assert filters_of_size(genotype, child, wanted, 10) == 14
    assert filters_of_size(genotype, CHILD, 1, 10) == 2


@pytest.mark.parametrize("measure", ["parameters", "mult_adds"])
def test_matched_children_have_one_size(measure):
    child = ChildConfig(num_cells=1, filters=20, match=measure)
    wanted = getattr(child_size(NASNET_A, child, 10), measure)
    assert matched_child(NASNET_A, child, 10).filters == 20
    generator = np.random.default_rng(0)
    for _ in range(4):
        genotype = random_genotype(generator)
        matched = matched_child(genotype, child, 10)
        size = getattr(child_size(genotype, matched, 10), measure)
        # Half a step of F, and its square.
        assert size == pytest.approx(wanted, rel=1.1 / matched.filters)
        assert matched_child(genotype, matched, 10) == matched
        judged = Objective(ObjectiveConfig(), child, 10)(genotype, 0.5)
        assert judged["filters"] == matched.filters
        assert judged[measure] == size


def test_a_cell_of_few_weights_gets_no_hundreds_of_filters():
    child = ChildConfig(1, 4, match="parameters", stem_multiplier=1)
    space = make_cell_space("A", ["identity", "max_pool_3x3"], 1)
    genotype = space.genotype([0] * len(space))
    assert matched_child(genotype, child, 10).filters == 16


def test_counting_small_networks_collects_no_garbage():
    # In a search that takes a second: it walks through the children's graphs.
    generator = np.random.default_rng(0)
    collections = []

    def record(phase, details):
        collections.append(details)

    gc.disable()
    gc.callbacks.append(record)
    try:
        for _ in range(4):
            child_size(random_genotype(generator), CHILD, 10)
    finally:
        gc.callbacks.remove(record)
        gc.enable()
    assert not collections


def test_objective_of_each_cost():
    genotype = random_genotype(np.random.default_rng(1))
    size = child_size(genotype, CHILD, 10)
    asked = []

    def phone(*arguments):
        asked.append(arguments)
        return 8.0

    def judged(cost, target, accuracy=0.5):
        objective = ObjectiveConfig(cost=cost, target=target, exponent=-0.5)
        return Objective(objective, CHILD, 10, measure_latency=phone)(
            genotype, accuracy
        )

    alone = judged("none", None)
    assert alone == {
        "reward": 0.5,
        "cost": None,
        "parameters": size.parameters,
        "mult_adds": size.mult_adds,
        "filters": 8,
    }
    small = judged("parameters", size.parameters / 4)
    assert small["cost"] == size.parameters
    assert small["reward"] == pytest.approx(0.25)
    cheap = judged("mult_adds", 4.0 * size.mult_adds)
    assert cheap["reward"] == pytest.approx(1.0)
    quick = judged("latency", 2.0)
    assert quick["cost"] == 8.0 and quick["reward"] == pytest.approx(0.25)
    assert asked == [(genotype, CHILD, 10, 3)]
    # A child that failed is not put on a phone.
    assert judged("latency", 2.0, accuracy=0.0)["cost"] is None
    assert len(asked) == 1


def test_latency_grows_with_the_network():
    genotype = random_genotype(np.random.default_rng(2), blocks=2)
    small = litert_latency(genotype, ChildConfig(num_cells=1, filters=4), 10)
    large = litert_latency(genotype, ChildConfig(num_cells=1, filters=48), 10)
    assert 0 < 2 * small < large < 1000


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"cost": "size"}, "objective.cost: 'size' is unknown"),
        ({"cost": "latency"}, "objective.target: none given"),
        ({"target": 3.0}, "objective.target: 3.0 without a cost"),
        (
            {"cost": "parameters", "target": 1.0, "exponent": 0.1},
            "objective.exponent: 0.1 is not a number in",
        ),
        (
            {"cost": "parameters", "target": -1.0},
            "objective.target: -1.0 is not a number in",
        ),
    ],
)
def test_bad_objectives_are_one_line(fields, line):
    with pytest.raises(InputError, match=line) as caught:
        check_objective(ObjectiveConfig(**fields))
    assert "\n" not in str(caught.value)
