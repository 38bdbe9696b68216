"""Activations that XNNPACK lacks in int8, as what it has."""

import numpy as np

from export.graph import Graph, shapes


def split_hard_swish(graph: Graph) -> Graph:
    """Hard swish becomes a number times a sixth of its ReLU6 with 3 added.

    Gain: LiteRT int8, where hard swish is not delegated and cuts the network
    in as many pieces as there are. In float32 it has a kernel of its own.
    """
    graph = graph.copy()
    found = shapes(graph)
    for name, _ in graph.of("activation"):
        # By now it may read another node, of the same shape.
        node, channels = graph[name], found[name][-1]
        if node.options["function"] != "hard_silu":
            continue
        ones, zeros = np.ones(channels, "f4"), np.zeros(channels, "f4")
        added = graph.add(
            f"{name}_added",
            "affine",
            node.inputs,
            weights={"scale": ones, "offset": 3 * ones},
        )
        cut = graph.add(
            f"{name}_relu6",
            "activation",
            [added],
            options={"function": "relu6"},
        )
        gate = graph.add(
            f"{name}_gate",
            "affine",
            [cut],
            weights={"scale": ones / 6, "offset": zeros},
        )
        product = graph.add(f"{name}_product", "multiply", [*node.inputs, gate])
        graph.redirect(name, product)
    return graph.sorted()
