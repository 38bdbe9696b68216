"""How the next architectures are chosen: strategies with one interface.

Each stands in its file with its settings; `_STRATEGIES` names it.
"""

import dataclasses
import pkgutil
from collections.abc import Callable

from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.sections import Section
from nasnet_tf.search.space.decisions import DecisionSpace
from nasnet_tf.search.strategies.base import Strategy
from nasnet_tf.search.strategies.evolution import EvolutionSettings
from nasnet_tf.search.strategies.reinforcement.settings import (
    ControllerSettings,
)
from nasnet_tf.search.strategies.surrogate.settings import SurrogateSettings

__all__ = [
    "STRATEGIES",
    "Strategy",
    "check_strategy",
    "make_strategy",
    "register_strategy",
    "settings_fields",
]

_ROOM = "nasnet_tf.search.strategies"


@dataclasses.dataclass(frozen=True)
class _Registered:
    # Or "module:name" of it: TensorFlow, which the paper's needs, takes
    # seconds to import.
    make: str | Callable[..., Strategy]
    settings: type[Section]


# "rl" is the paper's.
_STRATEGIES = {
    "rl": _Registered(
        f"{_ROOM}.reinforcement.strategy:ReinforcementLearning",
        ControllerSettings,
    ),
    "random": _Registered(f"{_ROOM}.random:RandomSearch", Section),
    "surrogate": _Registered(
        f"{_ROOM}.surrogate.strategy:Surrogate", SurrogateSettings
    ),
    "evolution": _Registered(f"{_ROOM}.evolution:Evolution", EvolutionSettings),
}
# As they are when it is looked at.
STRATEGIES = _STRATEGIES.keys()


def make_strategy(config, space: DecisionSpace, seed: int = 0) -> Strategy:
    """The strategy that a configuration asks for.

    Args:
        config: `name`, one of `STRATEGIES`, and its settings.
        space: what is searched.
        seed: all that is random is a function of it.

    Returns:
        The strategy. `"rl"` makes its variables in the scope of the current
        `tf.distribute` strategy.

    Raises:
        InputError: the name is unknown or a setting cannot be used.
    """
    check_choice("strategy.name", config.name, STRATEGIES)
    strategy = _STRATEGIES[config.name]
    make = strategy.make
    if isinstance(make, str):
        make = pkgutil.resolve_name(make)
    return make(space, seed, _settings(config, strategy.settings))


def check_strategy(config) -> None:
    """Checks the settings of the strategy that a configuration asks for.

    Raises:
        InputError: one cannot be used.
    """
    _settings(config, _STRATEGIES[config.name].settings)


def register_strategy(
    name: str,
    make: Callable[[DecisionSpace, int, Section], Strategy],
    settings: type[Section] = Section,
) -> None:
    """Gives configurations a strategy of your own, as `strategy.name`.

    For commands and their workers, name the module that does it in
    NASNET_TF_PLUGINS (see `nasnet_tf.terminal.plugins`).

    Args:
        name: of the strategy; one of that name is replaced.
        make: `(space, seed, settings)` to a `Strategy`; its class will do.
        settings: the fields that it adds to the section `strategy` of a
            configuration, each with a default. What the class raises when it
            is made is told before a search begins.

    Raises:
        InputError: another strategy has a setting of the same name and
            another type, limit or default.

    Example:
    >>> @dataclasses.dataclass
    ... class MySettings(Section):
    ...     keep: int = field(10, least=1)
    >>> register_strategy("mine", MyStrategy, MySettings)
    >>> config = read_search_config(
    ...     ["digits"], "strategy.name=mine,strategy.keep=5"
    ... )
    """
    taken = {
        field.name: (field, owner)
        for owner, strategy in _STRATEGIES.items()
        if owner != name
        for field in dataclasses.fields(strategy.settings)
    }
    for field in dataclasses.fields(settings):
        other, owner = taken.get(field.name, (field, name))
        if _meaning(field) != _meaning(other):
            raise InputError(
                f"settings: strategy.{field.name} is a setting of {owner!r} "
                "and means something else there; choose another name"
            )
    _STRATEGIES[name] = _Registered(make, settings)


def settings_fields() -> dict[str, dataclasses.Field]:
    """The fields of all strategies' settings, by name."""
    return {
        field.name: field
        for strategy in _STRATEGIES.values()
        for field in dataclasses.fields(strategy.settings)
    }


def _meaning(field):
    return field.type, field.default, dict(field.metadata)


def _settings(config, kind):
    names = [field.name for field in dataclasses.fields(kind)]
    return kind(**{name: getattr(config, name) for name in names})
