"""What makes an architecture worth trying: alone, or for a front of two goals.

Each has `value(mean, deviation, costs)`, which is high for what to try next,
and `add(mean, cost)`, which counts one as tried.
"""

import dataclasses

import numpy as np

from nasnet_tf.search.journal.front import pareto_front

# Of the reference cost, beyond the highest that was tried.
_MARGIN = 1.0


@dataclasses.dataclass(frozen=True)
class UpperBound:
    """The upper confidence bound of the reward.

    Args:
        exploration: beta, in standard deviations.
    """

    exploration: float

    def value(self, mean, deviation, costs) -> np.ndarray:
        """The bounds, `(n,)`."""
        return mean + self.exploration * deviation

    def add(self, mean: float, cost: float) -> None:
        """Changes nothing: uncertainty alone keeps proposals apart."""


class FrontGain:
    """How much larger the front of reward against cost would become.

    The hypervolume between the front of what is expected and a reference, were
    an architecture's reward its upper confidence bound (SMS-EGO, Ponweiser et
    al. 2008). Below the front it is how far below, so that a search for
    candidates finds its way up.

    Args:
        exploration: beta, in standard deviations.
        means: expected rewards of what was tried, `(n,)`.
        costs: of the same, lower being better, of variance about 1.
        reward: the reference; what is expected below it is on no front.
    """

    def __init__(self, exploration: float, means, costs, reward: float):
        self.exploration = exploration
        self._reward = float(reward)
        # What is as dear as the dearest may still be better than all.
        self._cost = float(np.max(costs)) + _MARGIN
        self._keep_front(means, costs)

    def add(self, mean: float, cost: float) -> None:
        """Counts an architecture as tried, with what is expected of it."""
        self._keep_front(
            np.append(self._means, mean), np.append(self._costs, cost)
        )

    def value(self, mean, deviation, costs) -> np.ndarray:
        """The gains, `(n,)`; of what gains nothing less than 0."""
        optimistic = (mean + self.exploration * deviation)[:, None]
        # From a cost to the next a reward is reached.
        starts = np.append(-np.inf, self._costs)
        ends = np.append(self._costs, np.inf)
        heights = np.append(self._reward, self._means)
        widths = np.clip(
            np.minimum(ends, self._cost) - np.maximum(starts, costs[:, None]),
            0,
            None,
        )
        gain = (widths * np.maximum(optimistic - heights, 0)).sum(1)
        height = heights[np.searchsorted(starts, costs, side="right") - 1]
        below = height - optimistic[:, 0]
        missing = np.maximum(below, costs - self._cost)
        return np.where(gain > 0, gain, -np.maximum(missing, 0))

    def _keep_front(self, means, costs):
        """Keeps what is above the reference and below nothing, by cost."""
        above = means > self._reward
        means, costs = means[above], costs[above]
        front = np.array(pareto_front(costs, means), int)
        self._means, self._costs = means[front], costs[front]
