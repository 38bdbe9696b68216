"""Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347)."""

import numpy as np
import tensorflow as tf


def clipped_loss(
    log_probs,
    old_log_probs,
    advantages,
    entropies,
    weights,
    clip: float,
    entropy_weight: float,
) -> tf.Tensor:
    """The loss whose gradient updates the controller (equations 7 and 9).

    Every decision is an action; all of an architecture have its advantage.

    Args:
        log_probs: of the decisions taken, `(n, decisions)`.
        old_log_probs: the same when they were sampled.
        advantages: `(n,)`.
        entropies: of the decisions' distributions, `(n, decisions)`.
        weights: of the architectures, `(n,)`; 0 for padding.
        clip: ratios beyond 1 - clip and 1 + clip gain nothing.
        entropy_weight: of the entropies in the objective.

    Returns:
        A scalar: weighted sum over architectures of sums over decisions.
    """
    ratios = tf.exp(log_probs - old_log_probs)
    clipped = tf.clip_by_value(ratios, 1 - clip, 1 + clip)
    advantages = advantages[:, None]
    gains = tf.minimum(ratios * advantages, clipped * advantages)
    objective = tf.reduce_sum(gains + entropy_weight * entropies, axis=1)
    return -tf.reduce_sum(weights * objective)


def advantages(rewards, baseline: float, form: str) -> np.ndarray:
    """How much better than expected architectures are.

    Args:
        rewards: of a round, `(n,)`.
        baseline: the moving average before this round.
        form: of `ADVANTAGES`; see `ControllerSettings`.

    Returns:
        float64 `(n,)`.
    """
    rewards = np.asarray(rewards, "float64")
    if form == "difference":
        return rewards - baseline
    if form == "standardized":
        deviation = rewards.std()
        # Equal rewards deviate by 0.
        return (rewards - rewards.mean()) / (deviation if deviation else 1)
    # Equal rewards have equal ranks.
    signs = np.sign(rewards[:, None] - rewards)
    # A round of one is compared with nothing.
    return signs.sum(axis=1) / max(len(rewards) - 1, 1)


def moving_average(average: float, rewards, decay: float) -> float:
    """The average after further rewards, one after the other."""
    for reward in rewards:
        average = decay * average + (1 - decay) * reward
    return float(average)
