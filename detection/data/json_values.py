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
