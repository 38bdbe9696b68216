"""Sections of configurations: dataclasses whose fields tell their limits.

`field(default, **limits)` declares one; the limits are

    choices     the values allowed
    least       the smallest integer allowed
    most        the largest integer allowed
    interval    the numbers allowed, such as "(0, 1]"
"""

import copy
import dataclasses
import typing

# Seeds of replicas are sums in int32 (`step.py`).
MOST_SEED = 1_000_000_000


def field(default, **limits):
    return dataclasses.field(default=default, metadata=limits)


@dataclasses.dataclass
class Section:
    """A section of a configuration: typed fields, and sections in it.

    `nasnet_tf.configuration.files` reads it from YAML files and flags.
    """

    def as_dict(self) -> dict:
        """The values, those of sections as dicts, tuples as lists."""
        return {
            field.name: _plain(getattr(self, field.name))
            for field in dataclasses.fields(self)
        }

    def replace(self, **values) -> typing.Self:
        """A copy with other values, by name."""
        changed = copy.deepcopy(self)
        changed.override(values)
        return changed

    def override(self, values: dict) -> None:
        """Sets values by name; a dict sets those of a section.

        Args:
            values: of `typed_values`: the names and types are right.
        """
        for name, value in values.items():
            inner = getattr(self, name)
            if isinstance(inner, Section) and isinstance(value, dict):
                inner.override(value)
            else:
                setattr(self, name, value)


def _plain(value):
    if isinstance(value, Section):
        return value.as_dict()
    return list(value) if isinstance(value, tuple) else value
