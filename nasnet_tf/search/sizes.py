"""How large children are, and the F at which they are of one size."""

from __future__ import annotations

import dataclasses
import functools
import math

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.search.config import ChildConfig
from nasnet_tf.zoo.mult_adds import NetworkSize, count_network

# The paper's children are networks for CIFAR (section 3.1).
STEM = "cifar"
# Whose size children have that are matched.
REFERENCE = "NASNET_A"
# And what their F may be at most, in times of the reference's: a cell of next
# to no weights would get hundreds of filters for them.
MOST_TIMES = 4
LEAST_FILTERS = 2


def child_size(
    genotype: Genotype, child: ChildConfig, classes: int, channels: int = 3
) -> NetworkSize:
    """Parameters and multiply-adds of a child, without building it.

    About 0.05 s, and more the first times; see `mult_adds.count_network`.

    Args:
        genotype: of the child.
        child: its N, F, stem and image size.
        classes: of the classifier.
        channels: of the images.
    """
    return count_network(
        genotype,
        child.num_cells,
        child.filters,
        (child.input_size, child.input_size, channels),
        classes,
        stem=STEM,
        stem_multiplier=child.stem_multiplier,
    )


def filters_of_size(
    genotype: Genotype,
    child: ChildConfig,
    size: int,
    classes: int,
    channels: int = 3,
    measure: str = "parameters",
    most: int | None = None,
) -> int:
    """The F at which a genotype's size comes nearest to a number.

    Args:
        genotype: of the network.
        child: its N, stem and image size; its F is where the search begins.
        size: to come near to.
        classes: of the classifier.
        channels: of the images.
        measure: `"parameters"` or `"mult_adds"`.
        most: the highest F that may come out; None: any. The least
            is `LEAST_FILTERS`.
    """

    @functools.cache
    def count(filters):
        network = dataclasses.replace(child, filters=filters)
        return getattr(
            child_size(genotype, network, classes, channels), measure
        )

    def distance(filters):
        # As a ratio: half as many are as far off as twice as many.
        return abs(math.log(count(filters) / size))

    # Sizes grow a little less than with the square of F.
    guess = round(child.filters * math.sqrt(size / count(child.filters)))
    filters = max(LEAST_FILTERS, min(guess, most or guess))
    # More filters are a larger size: downhill leads to the best.
    for step in (-1, 1):
        while LEAST_FILTERS <= filters + step <= (
            most or math.inf
        ) and distance(filters + step) < distance(filters):
            filters += step
    return filters


def reference_size(
    child: ChildConfig, classes: int, channels: int = 3
) -> NetworkSize:
    """The size that children have which are matched; see `child_size`."""
    return _reference_size(_fields(child), classes, channels)


# A configuration may be changed, and so is no key.
def _fields(child):
    return tuple(child.as_dict().items())


@functools.lru_cache(maxsize=64)
def _reference_size(fields, classes, channels):
    child = ChildConfig(**dict(fields))
    return child_size(get_genotype(REFERENCE), child, classes, channels)


@functools.lru_cache(maxsize=1024)
def _matched_filters(genotype, fields, classes, channels):
    child = ChildConfig(**dict(fields))
    return filters_of_size(
        genotype,
        child,
        getattr(_reference_size(fields, classes, channels), child.match),
        classes,
        channels,
        child.match,
        MOST_TIMES * child.filters,
    )


def matched_child(
    genotype: Genotype, child: ChildConfig, classes: int, channels: int = 3
) -> ChildConfig:
    """The configuration of a child with the F that `match` gives it.

    Args:
        genotype: of the child.
        child: of the search.
        classes: of the classifier.
        channels: of the images.

    Returns:
        With `match` `"none"`, so that it stays as it is.
    """
    if child.match == "none":
        return child
    filters = _matched_filters(genotype, _fields(child), classes, channels)
    return dataclasses.replace(child, filters=filters, match="none")
