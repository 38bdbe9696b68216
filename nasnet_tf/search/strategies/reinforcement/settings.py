"""What the paper's strategy can be told."""

import dataclasses

from nasnet_tf.configuration.sections import Section, field
from nasnet_tf.configuration.values import check_section

ADVANTAGES = ("difference", "standardized", "rank")


@dataclasses.dataclass
class ControllerSettings(Section):
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

    learning_rate: float = field(3.5e-4, interval="(0, inf)")
    entropy_weight: float = field(1e-5, interval="[0, inf)")
    baseline_decay: float = field(0.95, interval="[0, 1)")
    minibatch_size: int = field(20, least=1)
    epochs: int = field(4, least=1)
    clip: float = field(0.2, interval="(0, 1)")
    advantage: str = field("difference", choices=ADVANTAGES)
    share_by_kind: bool = False
    hidden_units: int = field(100, least=1)
    initial_range: float = field(0.1, interval="(0, inf)")

    def __post_init__(self):
        check_section(self, "strategy")


# For budgets of about 1,000 architectures, where the paper's 20,000 are out of
# reach. Tuned on NAS-Bench-201 (benchmarks/search_table.py), on other seeds
# than those reported.
SMALL_BUDGET = ControllerSettings(
    learning_rate=5e-3, entropy_weight=0.15, advantage="rank"
)
