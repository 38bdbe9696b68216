"""Regularised evolution (Real et al. 2019, arXiv:1802.01548, Algorithm 1)."""

import dataclasses

import numpy as np

from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.sections import Section, field
from nasnet_tf.configuration.values import check_section
from nasnet_tf.search.strategies.base import Strategy


@dataclasses.dataclass
class EvolutionSettings(Section):
    """What evolution can be told.

    Args:
        population: P, the newest so many; the paper's value is 100.
        tournament: S, how many a parent is the best of; the paper's is 25.

    Raises:
        InputError: a value cannot be used.
    """

    population: int = field(100, least=1)
    tournament: int = field(25, least=1)

    def __post_init__(self):
        check_section(self, "strategy")
        if self.tournament > self.population:
            raise InputError(
                f"strategy.tournament: {self.tournament} of a "
                f"strategy.population of {self.population}; give a smaller one"
            )


class Evolution(Strategy):
    """Mutates the best of a few; of the population the oldest dies.

    The first `population` proposals are random. Each later one takes
    `tournament` members at random, with replacement, and changes one decision
    of the best of them to another option: an input, an operation or a
    combiner. The algorithm's "identity" mutation is left out, for a known
    architecture is not trained again. The proposals of one call are bred from
    the population as it is then.

    Args:
        space: what is searched.
        seed: of all that is random.
        settings: None: the paper's.
    """

    def __init__(self, space, seed=0, settings=None):
        settings = settings or EvolutionSettings()
        self._mutable = space.changeable
        super().__init__(space, seed, settings)

    def restart(self, seed: int) -> None:
        super().restart(seed)
        self._proposed = 0
        self._members = np.zeros((0, len(self.space)), "int32")
        self._rewards = np.zeros(0)

    def propose(self, count: int) -> np.ndarray:
        check_integer("count", count)
        # By the count, so that a resumed search draws what it would have drawn.
        generator = np.random.default_rng((self.seed, self._proposed))
        proposals = self.space.sample(generator, count)
        # Members still in training count: no proposal waits for them.
        first = min(count, max(0, self.settings.population - self._proposed))
        if len(self._rewards):
            for child in proposals[first:]:
                child[:] = self._child(generator)
        self._proposed += count
        return proposals

    def _child(self, generator):
        rivals = generator.integers(
            len(self._rewards), size=self.settings.tournament
        )
        child = self._members[rivals[self._rewards[rivals].argmax()]].copy()
        self.space.change(generator, child, generator.choice(self._mutable))
        return child

    def learn(self, decisions, rewards) -> dict[str, float]:
        decisions, rewards = self.check_rewards(decisions, rewards)
        members = np.concatenate((self._members, decisions))
        all_rewards = np.concatenate((self._rewards, rewards))
        self._members = members[-self.settings.population :]
        self._rewards = all_rewards[-self.settings.population :]
        return {
            "mean_reward": float(rewards.mean()),
            "population_mean": float(self._rewards.mean()),
            "population_best": float(self._rewards.max()),
        }

    def state(self) -> dict[str, np.ndarray]:
        return {
            "seed": np.array(self.seed, "int64"),
            "proposed": np.array(self._proposed, "int64"),
            "members": self._members,
            "rewards": self._rewards,
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.check_state(state)
        self._members = self.space.check(state["members"])
        self._rewards = np.array(state["rewards"], "float64")
        self.seed = int(state["seed"])
        self._proposed = int(state["proposed"])

    def probabilities(self) -> list[np.ndarray]:
        """The share of each option in the population; at first, uniform."""
        return self.space.shares(self._members)
