"""How the next architectures are chosen: strategies with one interface."""

from collections.abc import Callable

from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.search.space.decisions import DecisionSpace
from nasnet_tf.search.strategies.base import Strategy
from nasnet_tf.search.strategies.evolution import Evolution
from nasnet_tf.search.strategies.random import RandomSearch
from nasnet_tf.search.strategies.reinforcement.settings import (
    ControllerSettings,
)

__all__ = ["STRATEGIES", "Strategy", "make_strategy", "register_strategy"]


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
    return _makers[config.name](config, space, seed)


def register_strategy(name: str, make: Callable[..., Strategy]) -> None:
    """Gives configurations a strategy of your own, as `strategy.name`.

    Args:
        name: of the strategy; one of that name is replaced.
        make: `(config, space, seed)`, as `make_strategy` takes them, to a
            `Strategy`.

    Example:
    >>> register_strategy("mine", lambda config, space, seed: Mine(space, seed))
    >>> config = read_search_config(["digits"], "strategy.name=mine")
    """
    _makers[name] = make


def _reinforcement_learning(config, space, seed):
    # Only this one needs TensorFlow, which takes seconds to import.
    from nasnet_tf.search.strategies.reinforcement.strategy import (
        ReinforcementLearning,
    )

    settings = ControllerSettings.from_config(config)
    return ReinforcementLearning(space, seed, settings)


def _random(config, space, seed):
    del config
    return RandomSearch(space, seed)


def _evolution(config, space, seed):
    return Evolution(
        space,
        seed,
        population=config.population,
        tournament=config.tournament,
    )


# "rl" is the paper's.
_makers: dict[str, Callable[..., Strategy]] = {
    "rl": _reinforcement_learning,
    "random": _random,
    "evolution": _evolution,
}
# As they are when it is looked at.
STRATEGIES = _makers.keys()
