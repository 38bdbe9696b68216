"""Random search: every decision uniform (section 3.4)."""

import numpy as np

from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.search.strategies.base import Strategy


class RandomSearch(Strategy):
    """Proposes uniformly random architectures and learns nothing."""

    def restart(self, seed: int) -> None:
        super().restart(seed)
        self._proposed = 0

    def propose(self, count: int) -> np.ndarray:
        check_integer("count", count)
        # By the count, so that a resumed search draws what it would have drawn.
        generator = np.random.default_rng((self.seed, self._proposed))
        self._proposed += count
        return self.space.sample(generator, count)

    def learn(self, decisions, rewards) -> dict[str, float]:
        _, rewards = self.check_rewards(decisions, rewards)
        return {"mean_reward": float(rewards.mean())}

    def state(self) -> dict[str, np.ndarray]:
        return {
            "seed": np.array(self.seed, "int64"),
            "proposed": np.array(self._proposed, "int64"),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        self.check_state(state)
        self.seed = int(state["seed"])
        self._proposed = int(state["proposed"])

    def probabilities(self) -> list[np.ndarray]:
        return self.space.shares(np.zeros((0, len(self.space)), "int32"))
