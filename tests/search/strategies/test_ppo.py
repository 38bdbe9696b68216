"""The controller and its PPO in numbers."""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.space.decisions import DecisionSpace
from nasnet_tf.search.strategies.reinforcement import ppo
from nasnet_tf.search.strategies.reinforcement.controller import Controller
from nasnet_tf.search.strategies.reinforcement.settings import (
    SMALL_BUDGET,
    ControllerSettings,
)
from nasnet_tf.search.strategies.reinforcement.strategy import (
    ReinforcementLearning,
)


def space(*sizes, kinds=None):
    names = tuple(f"decision_{number}" for number in range(len(sizes)))
    options = tuple(tuple(map(str, range(size))) for size in sizes)
    return DecisionSpace(sizes, names, kinds or names, options)


def test_a_hand_worked_loss():
    old = np.log([[0.5, 0.5], [0.5, 0.25], [1.0, 1.0]])
    new = np.log([[0.75, 0.55], [0.3, 0.275], [0.1, 0.1]])
    # Ratios 1.5 and 1.1 at advantage 2: 1.2 * 2 and 1.1 * 2. Ratios 0.6 and
    # 1.1 at -1: min(-0.6, -0.8) and -1.1. The third has no weight.
    entropies = np.array([[0.5, 0.25], [0.25, 0.5], [9.0, 9.0]])
    loss = ppo.clipped_loss(
        *(
            tf.constant(value, tf.float64)
            for value in (new, old, [2, -1, 5], entropies, [0.5, 0.5, 0])
        ),
        clip=0.2,
        entropy_weight=0.1,
    )
    expected = -0.5 * (2.4 + 2.2 + 0.075) - 0.5 * (-0.8 - 1.1 + 0.075)
    assert float(loss) == pytest.approx(expected, abs=1e-12)


def test_a_clipped_ratio_has_no_gradient():
    new = tf.Variable(np.log([[0.75, 0.55]]))
    old = tf.constant(np.log([[0.5, 0.5]]))
    one = tf.constant([1.0], tf.float64)
    with tf.GradientTape() as tape:
        loss = ppo.clipped_loss(new, old, one, 0 * old, one, 0.2, 0.0)
    # Of exp(x - old) it is the ratio itself.
    gradient = tape.gradient(loss, new).numpy()
    assert gradient == pytest.approx(np.array([[0.0, -1.1]]))


def test_the_baseline_is_a_moving_average():
    # 0.5, then 0.95 * 0.5 + 0.05 * 0.9 = 0.52, then 0.494 + 0.01 = 0.504.
    assert ppo.moving_average(0.5, [0.9, 0.2], 0.95) == pytest.approx(0.504)
    strategy = ReinforcementLearning(space(2), 0, ControllerSettings())
    decisions = np.array([[0], [1]])
    first = strategy.learn(decisions, [0.4, 0.6])
    # It begins as the mean of the first round, 0.5.
    expected = 0.95 * (0.95 * 0.5 + 0.05 * 0.4) + 0.05 * 0.6
    assert first["baseline"] == pytest.approx(expected)
    second = strategy.learn(decisions, [0.9, 0.2])
    expected = 0.95 * (0.95 * expected + 0.05 * 0.9) + 0.05 * 0.2
    assert second["baseline"] == pytest.approx(expected)


def test_advantages():
    rewards = [0.5, 0.1, 0.9, 0.5]
    for form, expected in {
        "difference": [0.1, -0.3, 0.5, 0.1],
        "standardized": [0, -(2**0.5), 2**0.5, 0],
        "rank": [0, -1, 1, 0],
    }.items():
        values = ppo.advantages(rewards, 0.4, form)
        assert values == pytest.approx(np.array(expected), abs=1e-12)
    # Where all are equal, or alone, nothing is learned.
    for form in ("standardized", "rank"):
        for equal in ([0.3], [0.3, 0.3]):
            assert (ppo.advantages(equal, 0.0, form) == 0).all()


def test_weights_begin_uniform_and_decisions_nearly_so():
    controller = Controller(space(4, 3))
    controller.initialize(0)
    weights = np.concatenate([np.ravel(v) for v in controller.variables])
    assert np.abs(weights).max() <= 0.1
    assert weights.std() == pytest.approx(0.2 / 12**0.5, rel=0.02)
    shapes = {v.name: tuple(v.shape) for v in controller.variables}
    assert shapes["lstm_kernel"] == (200, 400)
    assert shapes["softmax_kernel"] == (100, 7)
    _, entropies = controller.score(tf.zeros((2, 2), tf.int32))
    expected = np.log([[4, 3], [4, 3]])
    assert entropies.numpy() == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("share", [False, True])
def test_scores_are_those_of_the_samples(share):
    # Of the first three decisions, as of a block's inputs, options grow.
    of_kinds = space(2, 3, 4, 5, kinds=("input",) * 3 + ("operation",))
    controller = Controller(of_kinds, 16, share)
    controller.initialize(3, initial_range=1.0)
    decisions, log_probs, means = controller.sample(500, (1, 2))
    of_kinds.check(decisions.numpy())
    scores, _ = controller.score(decisions)
    assert scores.numpy() == pytest.approx(log_probs.numpy(), abs=1e-5)
    # Samples come as often as their probabilities say.
    for column, mean in zip(decisions.numpy().T, means, strict=True):
        share_of = np.bincount(column, minlength=len(mean)) / len(column)
        assert share_of == pytest.approx(mean.numpy(), abs=0.06)
    assert controller.variables[1].shape[0] == (9 if share else 14)


def test_a_later_decision_depends_on_the_earlier():
    """Equal digits pay, which no independent decisions can hold to."""
    settings = ControllerSettings(
        learning_rate=0.02, advantage="standardized", entropy_weight=0.2
    )
    strategy = ReinforcementLearning(space(3, 3), 0, settings)
    for _ in range(40):
        pairs = strategy.propose(20)
        strategy.learn(pairs, pairs[:, 0] == pairs[:, 1])
    pairs = strategy.propose(200)
    assert (pairs[:, 0] == pairs[:, 1]).mean() > 0.9
    assert np.bincount(pairs[:, 0], minlength=3).min() > 20


@pytest.mark.parametrize(
    ("settings", "samples"),
    [(SMALL_BUDGET, 600), (ControllerSettings(), 2000)],
)
def test_it_finds_the_optimum_of_a_bandit(settings, samples):
    """Of 4 ** 4 architectures; the reward is the share of right decisions."""
    right = np.array([3, 0, 2, 1])
    strategy = ReinforcementLearning(space(4, 4, 4, 4), 0, settings)
    entropies = []
    for _ in range(samples // 20):
        proposals = strategy.propose(20)
        log = strategy.learn(proposals, (proposals == right).mean(axis=1))
        entropies.append(log["entropy"])
    assert [
        part.argmax() for part in strategy.probabilities()
    ] == right.tolist()
    assert (strategy.propose(100) == right).all(axis=1).mean() > 0.5
    assert entropies[0] == pytest.approx(4 * np.log(4), abs=0.05)
    assert entropies[-1] < entropies[0] / 2


def test_proposals_keep_the_probabilities_they_had():
    """With a round in flight, ratios are to the policy that sampled it."""
    settings = ControllerSettings(learning_rate=0.05, epochs=1)
    strategy = ReinforcementLearning(space(4, 4), 0, settings)
    first, second = strategy.propose(20), strategy.propose(20)
    assert abs(strategy.learn(first, first[:, 0])["divergence"]) < 1e-6
    log = strategy.learn(second, second[:, 0])
    assert log["divergence"] != 0 and log["clipped"] > 0.1
    # Of strange architectures it takes the present policy's.
    assert abs(strategy.learn(second, second[:, 0])["divergence"]) < 1e-6


def test_a_state_of_another_space():
    state = ReinforcementLearning(space(2, 3), 0).state()
    line = (
        r"state: controller/01_embedding has shape \(5, 100\), not \(6, 100\)"
    )
    with pytest.raises(InputError, match=line):
        ReinforcementLearning(space(3, 3), 0).restore(state)


@pytest.mark.slow
def test_two_replicas_learn_as_one_device():
    root = pathlib.Path(__file__).parents[3]
    output = subprocess.run(
        [sys.executable, "-m", "tests.search.strategies.mirrored_controller"],
        cwd=root,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert output.returncode == 0, output.stderr
    figures = json.loads(output.stdout.splitlines()[-1])
    assert figures["same proposals"] is True
    assert figures["apart"] <= 1e-5
    assert figures["moved"] > 1e-2
    assert figures["identical variables"] == figures["variables"] > 15
