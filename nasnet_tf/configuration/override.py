"""The text of `--params_override`, in the syntax of Model Garden's."""

import re

import yaml

_VALUE = re.compile(
    r"""
    (?P<name>[a-zA-Z][\w.]*)\s*=\s*
    (?P<value>'.*?' | ".*?" | \[[^\]]*\] | [^,\[]*)
    (?:$|,\s*)
    """,
    re.VERBOSE,
)


def parse_override(text: str) -> dict:
    """Reads `"recipe.steps=3,data.train_split='train[:90%]'"`.

    A value is YAML: a number, a text, a list in brackets, `null`. Commas and
    brackets belong in quotes. A whole mapping of YAML will do too.

    Args:
        text: of the flag.

    Returns:
        Nested: `{"recipe": {"steps": 3}, ...}`.

    Raises:
        ValueError: the text is malformed.
        yaml.YAMLError: a value is.
    """
    values: dict = {}
    position = 0
    while position < len(text):
        match = _VALUE.match(text, position)
        if not match:
            return _mapping(text)
        put(values, match["name"], _value(match["value"]))
        position = match.end()
    return values


def put(values: dict, name: str, value) -> None:
    """Sets a value of nested dicts by its name, such as `"recipe.steps"`."""
    *sections, last = name.split(".")
    for section in sections:
        if not isinstance(values.get(section), dict):
            values[section] = {}
        values = values[section]
    values[last] = value


def _value(text):
    value = yaml.safe_load(text)
    # `a: b`, a text that YAML takes for a mapping.
    if isinstance(value, dict):
        raise ValueError(text)
    return value


def _mapping(text):
    values = yaml.safe_load(text)
    if not isinstance(values, dict):
        raise ValueError(text)
    return values
