"""Nothing computed twice, or for nothing."""

from export.graph import Graph, shapes


def share_duplicates(graph: Graph) -> Graph:
    """Operations without weights that are there twice are computed once.

    Two readers of a state each have their own ReLU or pool in networks that
    were not built by this package, and after other rewrites.

    Gain: NASNet mobile of `keras.applications`: 60 ReLUs, 16 pools and 4 pads
    less; here the layers share them already, but for the blocks of one input.
    """
    graph = graph.copy()
    first: dict[tuple, str] = {}
    for name in list(graph.nodes):
        node = graph[name]
        if node.weights or node.op == "input":
            continue
        options = tuple(sorted((k, str(v)) for k, v in node.options.items()))
        key = (node.op, node.inputs, options)
        if key in first:
            graph.redirect(name, first[key])
        else:
            first[key] = name
    return graph.sorted()


def drop_idle(graph: Graph) -> Graph:
    """Drops what changes nothing, and ReLUs of what is not negative.

    Gain: LiteRT and ONNX run a slice of a whole map as a copy.
    """
    graph = graph.copy()
    found = shapes(graph)
    for name, node in list(graph.nodes.items()):
        node = graph[name]
        if not node.inputs:
            continue
        source = node.inputs[0]
        same = found[name] == found[source]
        idle = node.op in ("slice", "pad") and same
        idle |= node.op == "concat" and len(node.inputs) == 1
        idle |= node.op == "relu" and _is_rectified(graph, source)
        if idle:
            graph.redirect(name, source)
    return graph.sorted()


def _is_rectified(graph, name):
    """Whether a node's output is never negative."""
    node = graph[name]
    functions = (node.options.get("activation"), node.options.get("function"))
    if node.op == "relu" or set(functions) & {"relu", "relu6"}:
        return True
    if node.op in ("max_pool", "average_pool", "slice", "pad", "concat"):
        return all(_is_rectified(graph, source) for source in node.inputs)
    return False
