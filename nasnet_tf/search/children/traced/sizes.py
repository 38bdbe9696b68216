"""How many weights any child of a space can have."""

from __future__ import annotations

import dataclasses

import numpy as np

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.cells.plan import Plan, make_plan
from nasnet_tf.layers.cell import NORM_GROUPS
from nasnet_tf.search.children.traced.chains import chain_of
from nasnet_tf.search.config import ChildConfig
from nasnet_tf.search.sizes import (
    LEAST_FILTERS,
    MOST_TIMES,
    STEM,
    reference_size,
)
from nasnet_tf.search.space.cell_space import CellSpace

# Of the last cells, with the CIFAR stem.
_LAST_STRIDE = 4


def child_plan(genotype: Genotype, child: ChildConfig) -> Plan:
    """The network of a child whose F is not to be matched any more."""
    return make_plan(
        genotype,
        child.num_cells,
        child.filters,
        stem=STEM,
        stem_multiplier=child.stem_multiplier,
    )


def largest_sizes(
    space: CellSpace, child: ChildConfig, classes: int, channels: int
) -> dict[str, int]:
    """Upper bounds of the lengths of `kernels`, `scales` and `statistics`.

    Args:
        space: of the children.
        child: of the search.
        classes: of the classifier.
        channels: of the images.
    """

    def with_filters(filters, classes=classes):
        one = dataclasses.replace(child, filters=filters)
        # Cells, filters and strides are alike in all of them.
        plan = child_plan(space.genotype([0] * len(space)), one)
        return _largest_of_plan(space, plan, classes, channels)

    if child.match == "none":
        return with_filters(child.filters)
    most = MOST_TIMES * child.filters
    largest, least = with_filters(most), with_filters(LEAST_FILTERS)
    reference = reference_size(child, classes, channels)
    # The F below the nearest is farther off, and has more than (F - 1)^2 / F^2
    # of its size: these are below 1.5 times the reference's.
    if child.match == "parameters":
        bounds = dict.fromkeys(largest, 2 * reference.parameters)
    else:
        # The classifier reads its weights once, and the last cells theirs at
        # each place of their image, all others oftener.
        head = largest["kernels"] - with_filters(most, classes=0)["kernels"]
        places = (child.input_size // _LAST_STRIDE) ** 2
        weights = 2 * reference.mult_adds // places + head
        bounds = {**largest, "kernels": weights}
    return {
        vector: min(size, max(least[vector], bounds[vector]))
        for vector, size in largest.items()
    }


def _largest_of_plan(space, plan, classes, channels):
    """Every operation is taken to be the largest, every state the widest."""
    kernels = 9 * channels * plan.stem_filters
    norms = plan.stem_filters  # channels that are normalised in batches
    groups = 0  # and in each example
    block = 2 if "concat" in space.combiners else 1
    width = block if space.every_block_leaves else block * space.num_blocks
    widest = {plan.stem_layer: plan.stem_filters}
    for cell in plan.cells:
        filters = cell.filters
        widest[cell.name] = width * filters
        inputs = [widest[state.layer] for state in cell.inputs]
        kernels += sum(inputs) * filters * max(1, *cell.halvings)
        kernels += sum(cell.halvings) * filters**2
        norms += filters * sum(max(1, count) for count in cell.halvings)
        read = max(inputs) if not space.project_inputs else filters
        read = max(read, block * filters)
        for strides in {1, cell.stride}:
            found = [
                _chain_sizes(operation, read, filters, strides, space)
                for operation in ("conv_1x1", *space.operations)
            ]
            largest = np.max(found, axis=0)
            kernels += 2 * space.num_blocks * largest[0]
            norms += 2 * space.num_blocks * largest[1]
        if NORM_GROUPS.keys() & set(space.combiners):
            groups += space.num_blocks * filters
        # The projections of inputs that leave the cell.
        kernels += space.num_inputs * read * filters
        norms += space.num_inputs * filters
    outputs = space.num_blocks * block * plan.cells[-1].filters
    outputs += space.num_inputs * plan.cells[-1].filters
    kernels += outputs * classes
    return {
        "kernels": int(kernels),
        "scales": int(2 * (norms + groups) + classes),
        "statistics": int(2 * norms),
    }


def _chain_sizes(operation, channels, filters, strides, space):
    chain, _, widths = chain_of(
        operation, channels, filters, strides, space.bottleneck
    )
    if chain is None:
        return 0, 0
    kernels = sum(
        int(np.prod(shape))
        # There is one width more than links.
        for link, *pair in zip(chain.links, widths, widths[1:], strict=False)
        for shape in link.shapes(*pair)
    )
    return kernels, sum(widths[1:])
