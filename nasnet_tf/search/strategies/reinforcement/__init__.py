"""The paper's strategy: a controller trained by PPO."""

from nasnet_tf.search.strategies.reinforcement.settings import (
    SMALL_BUDGET,
    ControllerSettings,
)
from nasnet_tf.search.strategies.reinforcement.strategy import (
    ReinforcementLearning,
)

__all__ = ["SMALL_BUDGET", "ControllerSettings", "ReinforcementLearning"]
