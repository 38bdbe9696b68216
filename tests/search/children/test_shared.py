"""Children that share their weights."""

import dataclasses
import json

import numpy as np
import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.children import make_trainer
from nasnet_tf.search.children.shared import SharedWeights
from nasnet_tf.search.loop import search
from nasnet_tf.search.space.cell_space import make_cell_space
from tests.search.children.small_children import child_config, genotypes

OPERATIONS = ("identity", "separable_conv_3x3", "conv_1x1")


@pytest.fixture(scope="module")
def space():
    return make_cell_space("A", OPERATIONS, num_blocks=1)


@pytest.fixture(scope="module")
def make(space):
    return lambda folder: make_trainer(
        child_config({"method": "shared", "filters": 4}), space, folder
    )


def _results(trainer, chosen, seeds):
    return [
        dataclasses.replace(trainer.train(genotype, seed), seconds=0)
        for genotype, seed in zip(chosen, seeds, strict=True)
    ]


def test_what_is_taken_is_what_was_given():
    shared = SharedWeights()
    fresh = {"a": np.zeros(2), "b": np.zeros((1, 3))}
    assert shared.take(1, fresh) == fresh
    shared.give(1, {"a": np.ones(2), "b": np.ones((1, 3))})
    taken = shared.take(2, {"a": np.zeros(2), "b": np.zeros((2, 3))})
    assert (taken["a"] == 1).all()
    # Of another shape: an operation on more channels.
    assert (taken["b"] == 0).all()


def test_a_child_that_is_trained_again_finds_what_it_found(tmp_path):
    path = tmp_path / "weights.npz"
    shared = SharedWeights(path)
    shared.give(1, {"a": np.full(2, 1.0)})
    shared.give(2, {"a": np.full(2, 2.0), "b": np.full(1, 2.0)})
    fresh = {"a": np.zeros(2), "b": np.zeros(1)}
    after = SharedWeights(path).take(3, fresh)
    assert after["a"][0] == 2 and after["b"][0] == 2
    again = SharedWeights(path)
    before = again.take(2, fresh)
    assert before["a"][0] == 1 and before["b"][0] == 0
    # It is not trained a third time: what it gives now is the last.
    again.give(2, {"a": np.full(2, 5.0), "b": np.full(1, 5.0)})
    assert SharedWeights(path).take(3, fresh)["a"][0] == 5


def test_a_child_goes_on_where_the_one_before_it_ended(make, space):
    trainer = make(None)
    [genotype] = genotypes(space, 1)
    trainer.train(genotype, 1)
    trained = trainer.children.network.weights(
        program := trainer.children.program(genotype)
    )
    begun = trainer.children.first_weights(program, 2)
    assert begun.keys() == trained.keys()
    for name, value in trained.items():
        np.testing.assert_array_equal(begun[name], value)
    # Of another operation in the same place nothing is known.
    others = [
        g
        for g in genotypes(space, 20)
        if g.normal.blocks != genotype.normal.blocks
    ]
    program = trainer.children.program(others[0])
    values = trainer.children.first_weights(program, 2)
    alone = super(type(trainer.children), trainer.children).first_weights(
        program, 2
    )
    equal = [np.array_equal(values[name], alone[name]) for name in values]
    assert any(equal) and not all(equal)


@pytest.mark.slow
def test_a_crash_changes_nothing(make, space, tmp_path):
    chosen, seeds = genotypes(space, 3), [5, 6, 7]
    (tmp_path / "whole").mkdir()
    whole = _results(make(tmp_path / "whole"), chosen, seeds)
    (tmp_path / "killed").mkdir()
    killed = make(tmp_path / "killed")
    _results(killed, chosen[:2], seeds[:2])
    # The record of the second was lost.
    again = _results(make(tmp_path / "killed"), chosen[1:], seeds[1:])
    assert again == whole[1:]


def test_a_child_that_diverges_leaves_nothing(space):
    config = child_config(
        {"method": "shared", "filters": 4}, learning_rate=1e30, clip_norm=0
    )
    trainer = make_trainer(config, space)
    result = trainer.train(genotypes(space, 1)[0], 1)
    assert result.failure.startswith("diverged")
    assert not len(trainer.children.shared)


def test_several_workers_are_refused(monkeypatch, tmp_path):
    workers = ["localhost:1", "localhost:2"]
    monkeypatch.setenv(
        "TF_CONFIG",
        json.dumps(
            {
                "cluster": {"worker": workers},
                "task": {"type": "worker", "index": 0},
            }
        ),
    )
    config = child_config({"method": "shared"})
    config.data.name = None
    config.budget.override({"samples": 20, "round_size": 20})
    with pytest.raises(InputError, match="'shared' trains one child after"):
        search(config, tmp_path)
    assert not list(tmp_path.iterdir())
