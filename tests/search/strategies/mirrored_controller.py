"""PPO on two logical CPUs beside one device: prints numbers.

A process of its own, for devices are fixed when TensorFlow starts.
"""

import json

import numpy as np
import tensorflow as tf

from nasnet_tf.search.space.decisions import DecisionSpace
from nasnet_tf.search.strategies.reinforcement.settings import (
    ControllerSettings,
)
from nasnet_tf.search.strategies.reinforcement.strategy import (
    ReinforcementLearning,
)

SIZES = (3, 4, 2)
SPACE = DecisionSpace(
    SIZES, tuple("abc"), tuple("abc"), tuple(map(tuple, ("012", "0123", "01")))
)
# Seven of a minibatch leave one replica an architecture less.
SETTINGS = ControllerSettings(
    learning_rate=0.01, minibatch_size=7, hidden_units=8, epochs=2
)


def two_rounds(distribution):
    """The strategy, and its proposals."""
    with distribution.scope():
        strategy = ReinforcementLearning(SPACE, 1, SETTINGS)
    proposals = []
    for _ in range(2):
        proposals.append(strategy.propose(9))
        strategy.learn(proposals[-1], proposals[-1].sum(axis=1))
    return strategy, np.stack(proposals)


def distance(value, other):
    return float(np.abs(value - other).max())


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    together, proposals = two_rounds(mirrored)
    alone, same = two_rounds(tf.distribute.get_strategy())
    fresh = ReinforcementLearning(SPACE, 1, SETTINGS).state()
    first, second = together.state(), alone.state()
    names = [name for name in fresh if name.startswith(("controller", "adam"))]
    apart = max(distance(first[name], second[name]) for name in names)
    # Adam's moments too: its steps do not show a gradient that is doubled.
    moments = [name for name in names if "momentum" in name]
    moved = max(distance(first[name], fresh[name]) for name in moments)
    identical = []
    for variable in together.variables().values():
        parts = mirrored.experimental_local_results(variable.value)
        first, second = (part.numpy().tobytes() for part in parts)
        identical.append(first == second)
    print(
        json.dumps(
            {
                "same proposals": bool((proposals == same).all()),
                "apart": apart,
                "moved": moved,
                "identical variables": sum(identical),
                "variables": len(identical),
            }
        )
    )


if __name__ == "__main__":
    main()
