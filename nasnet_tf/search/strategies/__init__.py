"""How the next architectures are chosen: three strategies, one interface."""

from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.search.space.decisions import DecisionSpace
from nasnet_tf.search.strategies.base import Strategy

__all__ = ["STRATEGIES", "Strategy", "make_strategy"]

# "rl" is the paper's.
STRATEGIES = ("rl", "random", "evolution")


def make_strategy(config, space: DecisionSpace, seed: int = 0) -> Strategy:
    """The strategy that a configuration asks for.

    Args:
        config: `name`, one of `STRATEGIES`, and what that one takes: for
            `"evolution"` `population` and `tournament`, for `"rl"` the fields
            of `ControllerSettings`.
        space: what is searched.
        seed: all that is random is a function of it.

    Returns:
        The strategy. `"rl"` makes its variables in the scope of the current
        `tf.distribute` strategy.

    Raises:
        InputError: the name is unknown or a setting cannot be used.
    """
    check_choice("strategy.name", config.name, STRATEGIES)
    if config.name == "random":
        from nasnet_tf.search.strategies.random import RandomSearch

        return RandomSearch(space, seed)
    if config.name == "evolution":
        from nasnet_tf.search.strategies.evolution import Evolution

        return Evolution(
            space,
            seed,
            population=config.population,
            tournament=config.tournament,
        )
    # TensorFlow takes seconds to import.
    from nasnet_tf.search.strategies.reinforcement.settings import (
        ControllerSettings,
    )
    from nasnet_tf.search.strategies.reinforcement.strategy import (
        ReinforcementLearning,
    )

    settings = ControllerSettings.from_config(config)
    return ReinforcementLearning(space, seed, settings)
