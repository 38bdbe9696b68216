"""Concats of few inputs."""

import dataclasses

from export.graph import Graph

# XNNPACK's delegate takes no more at once.
LIMIT = 4


def nest_concats(graph: Graph) -> Graph:
    """A concat of more than four inputs becomes concats of at most four.

    Gain: LiteRT, where a longer one is left out of XNNPACK's delegate and
    cuts the network in two.
    """
    graph = graph.copy()
    for name, node in graph.of("concat"):
        inputs = list(node.inputs)
        while len(inputs) > LIMIT:
            # The tail, so that only a few channels are copied twice.
            count = min(LIMIT, len(inputs) - LIMIT + 1)
            tail = graph.add(f"{name}_part", "concat", inputs[-count:])
            inputs[-count:] = [tail]
        graph[name] = dataclasses.replace(node, inputs=tuple(inputs))
    return graph.sorted()
