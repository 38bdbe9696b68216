"""What the paper's strategy can be told."""

import dataclasses

from nasnet_tf.checks.arguments import (
    check_choice,
    check_flag,
    check_integer,
    check_number,
)

ADVANTAGES = ("difference", "standardized", "rank")


@dataclasses.dataclass(frozen=True)
class ControllerSettings:
    """The controller and its PPO; the defaults are the paper's (App. A.2).

    Not in the paper: the optimizer, which is Adam as in its predecessor
    (Zoph and Le 2017), `epochs`, and `clip`, which is that of Schulman et
    al. 2017 (arXiv:1707.06347), and whether decisions share weights.

    Args:
        learning_rate: of Adam.
        entropy_weight: of the policy's entropy in the objective.
        baseline_decay: of the moving average of rewards, an architecture.
        minibatch_size: architectures of one update.
        epochs: passes over the architectures of one `learn`.
        clip: how far from 1 a probability ratio counts.
        hidden_units: of the LSTM, and of its embeddings.
        initial_range: all weights begin uniform in plus or minus this.
        advantage: what weighs an architecture: `"difference"`: its reward
            less the moving average; `"standardized"`: its reward in standard
            deviations of its round; `"rank"`: its rank in its round, from -1
            to 1, which does not see how far off a failure is.
        share_by_kind: whether decisions of one kind share their softmax and
            embedding weights; without it each has its own, the paper's 2 x 5B
            softmaxes.

    Raises:
        InputError: a value cannot be used.
    """

    learning_rate: float = 3.5e-4
    entropy_weight: float = 1e-5
    baseline_decay: float = 0.95
    minibatch_size: int = 20
    epochs: int = 4
    clip: float = 0.2
    hidden_units: int = 100
    initial_range: float = 0.1
    advantage: str = "difference"
    share_by_kind: bool = False

    def __post_init__(self):
        def number(field, interval):
            check_number(f"strategy.{field}", getattr(self, field), interval)

        number("learning_rate", "(0, inf)")
        number("entropy_weight", "[0, inf)")
        number("baseline_decay", "[0, 1)")
        number("clip", "(0, 1)")
        number("initial_range", "(0, inf)")
        for field in ("minibatch_size", "epochs", "hidden_units"):
            check_integer(f"strategy.{field}", getattr(self, field))
        check_choice("strategy.advantage", self.advantage, ADVANTAGES)
        check_flag("strategy.share_by_kind", self.share_by_kind)

    @classmethod
    def from_config(cls, config) -> "ControllerSettings":
        """Takes the attributes of these names; the others keep defaults."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(
            **{n: getattr(config, n) for n in names if hasattr(config, n)}
        )


# For budgets of about 1,000 architectures, where the paper's 20,000 are out of
# reach. Tuned on NAS-Bench-201 (benchmarks/search_table.py), on other seeds
# than those reported.
SMALL_BUDGET = ControllerSettings(
    learning_rate=5e-3, entropy_weight=0.15, advantage="rank"
)
