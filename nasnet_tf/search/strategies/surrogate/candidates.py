"""Architectures worth a look, in a space too large to look at all of them."""

import itertools
import math
from collections.abc import Callable

import numpy as np

from nasnet_tf.search.space.decisions import DecisionSpace

# A space of so many is looked at whole.
_ALL = 20_000
# Parents that are mutated, children of a step, and steps; random ones beside.
_PARENTS, _CHILDREN, _STEPS, _RANDOM = 30, 300, 3, 100
# Of children that differ from their parent in two decisions.
_TWO = 0.3


def candidates(
    space: DecisionSpace,
    generator: np.random.Generator,
    parents: np.ndarray,
    bound: Callable[[np.ndarray], np.ndarray],
    known: set[tuple[int, ...]],
) -> np.ndarray:
    """Architectures of high bounds that are not known yet.

    Mutations of the parents and random architectures, then mutations of the
    best of these, and so on.

    Args:
        space: that is searched.
        generator: of all that is random.
        parents: `(n, decisions)`, to begin with.
        bound: gives how promising each of `(n, decisions)` is.
        known: normal forms of architectures that are left out.

    Returns:
        `(n, decisions)`, sorted, no two equal; empty where nothing new is
        found.
    """
    if space.log10_size <= math.log10(_ALL):
        found = np.array(
            list(itertools.product(*map(range, space.sizes))), "int32"
        )
    else:
        found = np.concatenate(
            (
                _mutated(space, generator, parents[:_PARENTS]),
                space.sample(generator, _RANDOM),
            )
        )
        for _ in range(_STEPS):
            found = np.unique(found, axis=0)
            best = found[np.argsort(-bound(found), kind="stable")[:_PARENTS]]
            more = _mutated(space, generator, best)
            found = np.concatenate((best, more))
        found = np.unique(found, axis=0)
    forms = space.normal_forms(found)
    first = {form: place for place, form in reversed(list(enumerate(forms)))}
    return found[sorted(first[form] for form in first.keys() - known)]


def _mutated(space, generator, parents):
    """Children of random parents, with one or two other options each."""
    children = parents[generator.integers(len(parents), size=_CHILDREN)]
    twice = generator.random(_CHILDREN) < _TWO
    for child, two in zip(children, twice, strict=True):
        for place in generator.choice(space.changeable, 1 + int(two)):
            space.change(generator, child, place)
    return children
