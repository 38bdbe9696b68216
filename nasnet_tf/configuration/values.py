"""Values of a configuration, held to names, types and limits."""

import collections.abc
import dataclasses
import difflib
import math
import types
import typing

from nasnet_tf.checks.arguments import (
    check_choice,
    check_flag,
    check_integer,
    check_number,
)
from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.sections import Section


def typed_values(values: dict, config: Section, where: str = "") -> dict:
    """Holds values to the names, types and limits of a configuration.

    Whole numbers and texts like `"1e-3"`, which YAML does not read as a
    number, become the floats that they stand for; `"None"` becomes None.

    Args:
        values: such as `{"recipe": {"steps": 3}}`.
        config: which the values are for; it is not changed.
        where: the values came from, for the message.

    Returns:
        The values, each with the type that its field declares.

    Raises:
        InputError: a name is unknown (says the nearest), or a value has
            another type or is beyond its limits.
    """
    where = f"{where}: " if where else ""
    return _typed_section(values, config, config, where, "")


def check_section(section: Section, name: str) -> None:
    """Holds the values of a section to their types and limits.

    Args:
        section: made in Python.
        name: of it in a configuration; begins the message.

    Raises:
        InputError: a value has another type or is beyond its limits.
    """
    _typed_section(section.as_dict(), section, section, "", f"{name}.")


def flatten(values: dict, prefix: str = "") -> dict:
    """`{"recipe.steps": 3}` of `{"recipe": {"steps": 3}}`."""
    flat = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _typed_section(values, section, root, where, prefix):
    fields = {field.name: field for field in dataclasses.fields(section)}
    typed = {}
    for key, value in values.items():
        if key not in fields:
            raise _unknown(key, list(fields), root, where, prefix)
        name = f"{prefix}{key}"
        inner = getattr(section, key)
        if not dataclasses.is_dataclass(inner):
            typed[key] = _typed(value, fields[key], f"{where}{name}")
        elif value is None:
            # A section of a file whose lines are all commented out.
            typed[key] = {}
        elif isinstance(value, dict):
            typed[key] = _typed_section(value, inner, root, where, f"{name}.")
        else:
            first = dataclasses.fields(inner)[0].name
            raise InputError(
                f"{where}{name}: {value!r} is not a section; name a field of "
                f"it, such as {name}.{first}"
            )
    return typed


def _typed(value, field, what):
    kinds = _kinds(field.type)
    limits = field.metadata
    if isinstance(value, dict) and any(map(dataclasses.is_dataclass, kinds)):
        return value  # of a section that is None; Model Garden checks it
    if type(None) in kinds and (value is None or value == "None"):
        return None
    if list in kinds and (isinstance(value, (list, tuple)) or str not in kinds):
        return _list(value, what)
    if bool in kinds:
        check_flag(what, value)
    elif int in kinds and float not in kinds:
        check_integer(what, value, limits.get("least", -math.inf))
        if value > limits.get("most", math.inf):
            raise InputError(
                f"{what}: {value} is above {limits['most']}; give a smaller one"
            )
    elif float in kinds and str not in kinds:
        value = _as_float(value)
        check_number(what, value, limits.get("interval", "(-inf, inf)"))
    elif "choices" in limits:
        check_choice(what, value, limits["choices"])
    elif kinds <= {str, type(None)} and not isinstance(value, str):
        raise InputError(
            f"{what}: {value!r} is not a text; put it in quotes if it is one"
        )
    return value


def _kinds(annotation):
    """The plain types of a field's type: `{str, list}` of a path or paths."""
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return {
            kind
            for part in typing.get_args(annotation)
            for kind in _kinds(part)
        }
    if origin in (list, tuple, collections.abc.Sequence):
        return {list}
    return {annotation}


def _list(value, what):
    if isinstance(value, (list, tuple)):
        return list(value)
    raise InputError(f"{what}: {value!r} is not a list; write [{value!r}]")


def _as_float(value):
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return value
    try:
        return float(value)
    except ValueError:
        return value
    except OverflowError:
        return math.inf


def _unknown(key, siblings, root, where, prefix):
    everywhere = {
        name.rpartition(".")[2]: name for name in flatten(root.as_dict())
    }
    siblings = {name: f"{prefix}{name}" for name in siblings}
    near = _nearest(str(key), siblings, everywhere)
    hint = f"did you mean {near!r}? " if near else ""
    shown = str(key) if str(key).isprintable() else repr(key)
    of = f" of {prefix[:-1]}" if prefix else ""
    return InputError(
        f"{where}{prefix}{shown} is unknown; {hint}choose one{of}: "
        f"{', '.join(siblings)}"
    )


def _nearest(key, siblings, everywhere):
    """The right name in the wrong section goes before a similar name."""
    for names, cutoff in ((everywhere, 1), (siblings, 0.6), (everywhere, 0.6)):
        near = difflib.get_close_matches(key, names, n=1, cutoff=cutoff)
        if near:
            return names[near[0]]
    return None
