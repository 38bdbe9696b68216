"""Reinforcement learning as a search strategy (section 2, App. A.2)."""

import keras
import numpy as np
import tensorflow as tf

from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.strategies.base import Strategy
from nasnet_tf.search.strategies.reinforcement import ppo
from nasnet_tf.search.strategies.reinforcement.controller import Controller
from nasnet_tf.search.strategies.reinforcement.settings import (
    ControllerSettings,
)

# Architectures that `probabilities` averages over.
_PROBED = 200


class ReinforcementLearning(Strategy):
    """An LSTM controller, updated by PPO.

    Controller and optimizer are mirrored over the `tf.distribute` strategy in
    whose scope it is made. Every worker has to make the same calls of `propose`
    and `learn`: each replica computes its share of a minibatch's gradient, and
    the sum is applied everywhere. All take the first replica's samples, so
    that rounding on unlike machines cannot part them.

    Args:
        space: what is searched.
        seed: of the weights, the samples and the order in an epoch.
        settings: by default the paper's.
    """

    def __init__(self, space, seed=0, settings=None):
        settings = settings or ControllerSettings()
        self._distribution = tf.distribute.get_strategy()
        self._replicas = self._distribution.num_replicas_in_sync
        self._share = -(-settings.minibatch_size // self._replicas)
        self._controller = Controller(
            space, settings.hidden_units, settings.share_by_kind
        )
        self._optimizer = keras.optimizers.Adam(settings.learning_rate)
        self._optimizer.build(self._controller.variables)
        self._fresh = [np.array(v) for v in self._optimizer.variables]
        # One shape each, traced once.
        self._sample = tf.function(self._sample_everywhere, autograph=False)
        self._update = tf.function(self._update_everywhere, autograph=False)
        self._score = tf.function(self._controller.score, autograph=False)
        self._probe = tf.function(
            lambda seed: self._controller.sample(_PROBED, seed)[2],
            autograph=False,
        )
        super().__init__(space, seed, settings)

    def restart(self, seed: int) -> None:
        super().restart(seed)
        self._controller.initialize(self.seed, self.settings.initial_range)
        for variable, value in zip(
            self._optimizer.variables, self._fresh, strict=True
        ):
            variable.assign(value)
        self._batches = self._rounds = 0
        self._baseline: float | None = None
        # Decisions and log-probabilities of each `propose` not learned yet.
        self._pending: list[tuple[np.ndarray, np.ndarray]] = []

    def propose(self, count: int) -> np.ndarray:
        check_integer("count", count)
        parts = []
        for _ in range(-(-count // self.settings.minibatch_size)):
            parts.append(self._first(self._sample(self._seeds(1))).numpy())
            self._batches += 1
        both = np.concatenate(parts, axis=1)[:, :count]
        decisions = both[0].astype("int32")
        self._pending.append((decisions, both[1]))
        return decisions

    def learn(self, decisions, rewards) -> dict[str, float]:
        decisions, rewards = self.check_rewards(decisions, rewards)
        settings = self.settings
        old_log_probs = self._log_probs_when_proposed(decisions)
        if self._baseline is None:
            self._baseline = float(rewards.mean())
        advantages = ppo.advantages(
            rewards, self._baseline, settings.advantage
        ).astype("float32")
        self._baseline = ppo.moving_average(
            self._baseline, rewards, settings.baseline_decay
        )
        # 0 drew the weights.
        generator = np.random.default_rng((self.seed, self._rounds + 1))
        minibatches = -(-len(rewards) // settings.minibatch_size)
        log = []
        for _ in range(settings.epochs):
            order = generator.permutation(len(rewards))
            # As even as can be: none is left with a few only.
            for rows in np.array_split(order, minibatches):
                columns = (decisions, old_log_probs, advantages)
                results = self._update(*self._padded(rows, columns))
                log.append(self._first(results).numpy())
        self._rounds += 1
        entropy, divergence, clipped = np.mean(log[-minibatches:], axis=0)
        return {
            "mean_reward": float(rewards.mean()),
            "baseline": self._baseline,
            "entropy": float(entropy),
            "divergence": float(divergence),
            "clipped": float(clipped),
        }

    def _seeds(self, kind):
        # Looking takes the even ones: proposals are the same with and without.
        return tf.constant((self.seed, 2 * self._batches + kind), tf.int64)

    def _first(self, results):
        return self._distribution.experimental_local_results(results)[0]

    def _log_probs_when_proposed(self, decisions):
        """Of proposals, what they were; of others, what they are now."""
        for number, (proposed, log_probs) in enumerate(self._pending):
            if np.array_equal(proposed, decisions):
                del self._pending[number]
                return log_probs
        size = self.settings.minibatch_size
        parts = []
        for start in range(0, len(decisions), size):
            rows = decisions[start : start + size]
            filled = np.pad(rows, ((0, size - len(rows)), (0, 0)))
            parts.append(self._score(filled)[0].numpy()[: len(rows)])
        return np.concatenate(parts)

    def _padded(self, rows, columns):
        missing = self._share * self._replicas - len(rows)
        weights = np.full(len(rows), 1 / len(rows), "float32")
        return [
            np.pad(part, [(0, missing)] + [(0, 0)] * (part.ndim - 1))
            for part in (*(column[rows] for column in columns), weights)
        ]

    def _sample_everywhere(self, seed):
        return self._distribution.run(self._sample_here, args=(seed,))

    def _sample_here(self, seed):
        decisions, log_probs, _ = self._controller.sample(
            self.settings.minibatch_size, seed
        )
        # One reduction for both; float32 holds such integers exactly.
        both = tf.stack([tf.cast(decisions, tf.float32), log_probs])
        context = tf.distribute.get_replica_context()
        first = tf.equal(context.replica_id_in_sync_group, 0)
        return context.all_reduce(
            tf.distribute.ReduceOp.SUM, tf.where(first, both, 0)
        )

    def _update_everywhere(self, *minibatch):
        return self._distribution.run(self._update_here, args=minibatch)

    def _update_here(self, *minibatch):
        context = tf.distribute.get_replica_context()
        start = context.replica_id_in_sync_group * self._share
        decisions, old_log_probs, advantages, weights = (
            tf.ensure_shape(
                tf.slice(
                    part,
                    [start] + [0] * (part.shape.rank - 1),
                    [self._share, *part.shape[1:]],
                ),
                (self._share, *part.shape[1:]),
            )
            for part in minibatch
        )
        variables = self._controller.variables
        settings = self.settings
        with tf.GradientTape() as tape:
            log_probs, entropies = self._controller.score(decisions)
            loss = ppo.clipped_loss(
                log_probs,
                old_log_probs,
                advantages,
                entropies,
                weights,
                settings.clip,
                settings.entropy_weight,
            )
        # A space of one decision does not use its embedding.
        gradients = tape.gradient(
            loss,
            # The tape knows TensorFlow's variables, not Keras's.
            [variable.value for variable in variables],
            unconnected_gradients=tf.UnconnectedGradients.ZERO,
        )
        change = log_probs - old_log_probs
        outside = tf.abs(tf.exp(change) - 1) > settings.clip
        figures = tf.stack(
            [
                tf.reduce_sum(weights[:, None] * entropies),
                -tf.reduce_sum(weights[:, None] * change),
                tf.reduce_sum(
                    weights * tf.reduce_mean(tf.cast(outside, tf.float32), 1)
                ),
            ]
        )
        # Keras sums the gradients over the replicas.
        self._optimizer.apply(gradients, variables)
        return context.all_reduce(tf.distribute.ReduceOp.SUM, figures)

    def variables(self) -> dict[str, keras.Variable]:
        """Those of the controller and the optimizer, by name."""
        named = {}
        for part in (self._controller, self._optimizer):
            for number, variable in enumerate(part.variables):
                kind = type(part).__name__.lower()
                named[f"{kind}/{number:02d}_{variable.name}"] = variable
        return named

    def state(self) -> dict[str, np.ndarray]:
        empty = np.zeros((0, len(self.space)))
        decisions = [empty, *(decisions for decisions, _ in self._pending)]
        log_probs = [empty, *(log_probs for _, log_probs in self._pending)]
        # Arrays have no None.
        baseline = [] if self._baseline is None else [self._baseline]
        return {
            "seed": np.array(self.seed, "int64"),
            "batches": np.array(self._batches, "int64"),
            "rounds": np.array(self._rounds, "int64"),
            "baseline": np.array(baseline, "float64"),
            "pending_counts": np.array(
                [len(decisions) for decisions, _ in self._pending], "int64"
            ),
            "pending_decisions": np.concatenate(decisions).astype("int32"),
            "pending_log_probs": np.concatenate(log_probs).astype("float32"),
            **{n: np.array(v) for n, v in self.variables().items()},
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.check_state(state)
        variables = self.variables()
        for name, variable in variables.items():
            if tuple(variable.shape) != np.shape(state[name]):
                raise InputError(
                    f"state: {name} has shape {np.shape(state[name])}, not "
                    f"{tuple(variable.shape)}; give that of the same space"
                )
        for name, variable in variables.items():
            variable.assign(np.asarray(state[name]))
        self.seed = int(state["seed"])
        self._batches = int(state["batches"])
        self._rounds = int(state["rounds"])
        self._baseline = next(iter(state["baseline"].tolist()), None)
        ends = np.cumsum(state["pending_counts"])[:-1]
        self._pending = []
        if len(state["pending_counts"]):
            self._pending = list(
                zip(
                    np.split(np.asarray(state["pending_decisions"]), ends),
                    np.split(np.asarray(state["pending_log_probs"]), ends),
                    strict=True,
                )
            )

    def probabilities(self) -> list[np.ndarray]:
        """The mean over samples that no proposal takes."""
        return [part.numpy() for part in self._probe(self._seeds(0))]
