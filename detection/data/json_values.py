"""What a value of a JSON file is."""

import math
from typing import TypeGuard


def is_integer(value) -> TypeGuard[int]:
    """Whether it is a whole number, of any size."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value) -> bool:
    """Whether it is a finite number; a whole one of 64 bits."""
    # Python's JSON has whole numbers that no float can hold.
    if is_integer(value):
        return abs(value) < 2**63
    return isinstance(value, float) and math.isfinite(value)


def whole_number(value):
    """A whole number that is written as `7.0` or `"7"`; others as they are.

    Tools that keep tables write ids so.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        # Longer ones are no ids.
        return int(value) if len(value) < 20 else value
    return value
