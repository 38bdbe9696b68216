"""What the search loop needs of a strategy."""

import abc
import hashlib
import typing

import numpy as np

from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.sections import Section
from nasnet_tf.search.space.decisions import DecisionSpace


class Strategy(abc.ABC):
    """Proposes architectures and learns from their rewards.

    All that it does is a function of the space, the seed, its settings and
    the calls of `propose` and `learn` so far.

    Args:
        space: what is searched.
        seed: 0 or more.
        settings: that its name is registered with; None: the defaults.

    Attributes:
        pursues_front: whether `learn` takes the costs of children as a third
            argument, `(n,)`, not a number where they are not known, and the
            strategy looks for high rewards at every cost.
    """

    pursues_front = False

    def __init__(
        self,
        space: DecisionSpace,
        seed: int = 0,
        settings: Section | None = None,
    ):
        # Each strategy reads its own, of its own class.
        self.settings: typing.Any = settings
        self.space = space
        self.restart(seed)

    def restart(self, seed: int) -> None:
        """Forgets everything, and begins as a new one with this seed."""
        check_integer("seed", seed, least=0)
        self.seed = int(seed)

    @abc.abstractmethod
    def propose(self, count: int) -> np.ndarray:
        """Proposes architectures: int32 `(count, decisions)`."""

    @abc.abstractmethod
    def learn(self, decisions, rewards) -> dict[str, float]:
        """Learns what proposals were worth.

        Args:
            decisions: `(n, decisions)`, as they were proposed by one call.
            rewards: `(n,)`, finite.

        Returns:
            Numbers for the log, `mean_reward` among them.

        Raises:
            InputError: the shapes differ, or a reward is not finite.
        """

    @abc.abstractmethod
    def state(self) -> dict[str, np.ndarray]:
        """All that the next call depends on, by name."""

    @abc.abstractmethod
    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Takes over what `state` gave.

        Raises:
            InputError: it is of another strategy or another space.
        """

    @abc.abstractmethod
    def probabilities(self) -> list[np.ndarray]:
        """How probable each option of each decision is in the next proposal.

        These are marginal: the options of a decision may depend on those
        before it.
        """

    def expected(self, decisions) -> np.ndarray | None:
        """What the strategy believes that architectures are worth.

        Args:
            decisions: `(n, decisions)`.

        Returns:
            `(n,)`, in units of reward; None of a strategy that believes no
            more than it has seen.
        """
        return None

    def uncertainty(self, decisions) -> np.ndarray | None:
        """The standard deviation of each expectation, as `expected`."""
        return None

    def digest(self) -> str:
        """SHA-256 of the state, in hexadecimal."""
        digest = hashlib.sha256()
        for name, value in sorted(self.state().items()):
            value = np.ascontiguousarray(value)
            # Bytes alone tell no shapes apart.
            digest.update(f"{name} {value.dtype} {value.shape} ".encode())
            digest.update(value.tobytes())
        return digest.hexdigest()

    def check_rewards(self, decisions, rewards):
        """What `learn` was given, as int32 and float64 arrays; or raises."""
        decisions = self.space.check(decisions)
        rewards = np.asarray(rewards, "float64")
        if decisions.ndim != 2 or rewards.shape != decisions.shape[:1]:
            raise InputError(
                f"rewards: shape {rewards.shape} for decisions of shape "
                f"{decisions.shape}; give one reward each"
            )
        if not len(rewards) or not np.isfinite(rewards).all():
            raise InputError(
                f"rewards: {rewards.tolist()} must be one or more finite "
                "numbers"
            )
        return decisions, rewards

    def check_state(self, state) -> None:
        """Raises `InputError` unless `state` has the names of this one's."""
        expected = set(self.state())
        if set(state) != expected:
            other = sorted(expected ^ set(state))[0]
            raise InputError(
                f"state: {other} is missing or unknown; give the state of a "
                f"{type(self).__name__} of the same settings"
            )
