"""Rows and columns of zeros, and cuts, where they cost least."""

from export.graph import Graph, shapes


def merge_pads_and_slices(graph: Graph) -> Graph:
    """A slice of a padded map reads only the pixels and zeros that it keeps.

    A pool that pads as `keras.applications` does pads both sides and drops a
    row; the second path of its factorised reduction pads, drops a row and
    subsamples, so that the padding is never read.

    Gain: LiteRT and ONNX, one copy of a feature map for each.
    """
    graph = _slice_before_convolutions(graph)
    swapped = True
    while swapped:
        graph, swapped = _swap_once(graph)
    return _drop_unread(graph)


def _swap_once(graph):
    """Puts one slice before the pad that it reads."""
    graph = graph.copy()
    readers, found = graph.readers(), shapes(graph)
    for name, node in graph.of("slice"):
        (source,) = node.inputs
        pad = graph[source]
        if pad.op != "pad" or len(readers[source]) > 1:
            continue
        begin, size, pads = [], [], []
        for axis in range(2):
            length = found[pad.inputs[0]][axis]
            first = node.options["begin"][axis] - pad.options["pads"][axis][0]
            last = first + node.options["size"][axis]
            start, stop = max(first, 0), min(last, length)
            begin.append(start)
            size.append(stop - start)
            pads.append((start - first, last - stop))
        if min(size) < 1:
            continue  # It keeps nothing but zeros.
        options = {"begin": tuple(begin), "size": tuple(size)}
        sliced = graph.add(f"{name}_kept", "slice", pad.inputs, options=options)
        options = {"pads": tuple(pads)}
        padded = graph.add(f"{name}_padded", "pad", [sliced], options=options)
        graph.redirect(name, padded)
        return graph.sorted(), True
    return graph, False


def _slice_before_convolutions(graph):
    """The first rows of a 1x1 convolution need the first rows of its input."""
    graph = graph.copy()
    readers = graph.readers()
    for name, _ in graph.of("slice"):
        node = graph[name]
        (source,) = node.inputs
        conv = graph[source]
        alone = len(readers[source]) == 1
        if not _is_pointwise(conv) or not alone or any(node.options["begin"]):
            continue
        size = tuple(
            (count - 1) * stride + 1
            for count, stride in zip(
                node.options["size"], conv.options["strides"], strict=True
            )
        )
        sliced = graph.add(
            f"{source}_read",
            "slice",
            conv.inputs,
            options={"begin": (0, 0), "size": size},
        )
        graph[source] = conv.replaced(inputs=(sliced,))
        graph.redirect(name, source)
    return graph.sorted()


def _drop_unread(graph):
    """Drops zeros that a 1x1 convolution steps over."""
    graph = graph.copy()
    readers, found = graph.readers(), shapes(graph)
    for name, node in graph.of("pad"):
        reading = [graph[reader] for reader in readers[name]]
        if not reading or not all(map(_is_pointwise, reading)):
            continue
        strides = {reader.options["strides"] for reader in reading}
        if len(strides) != 1:
            continue
        pads = []
        # Rows and columns: channels have no stride.
        for (before, after), size, stride in zip(
            node.options["pads"], found[name], *strides, strict=False
        ):
            unread = (size - 1) % stride
            pads.append((before, after - min(unread, after)))
        graph[name] = node.replaced(options={"pads": tuple(pads)})
    return graph.sorted()


def subsample_in_convolutions(graph: Graph) -> Graph:
    """A pool of one pixel before a 1x1 convolution becomes its stride.

    Gain: the factorised reductions of `keras.applications`, whose pool LiteRT
    does not delegate.
    """
    graph = graph.copy()
    readers = graph.readers()
    for name, _ in graph.of("average_pool", "max_pool"):
        node = graph[name]
        reading = [graph[reader] for reader in readers[name]]
        if node.options["size"] != (1, 1):
            continue
        if not reading or not all(map(_is_pointwise, reading)):
            continue
        if any(reader.options["strides"] != (1, 1) for reader in reading):
            continue
        for reader in set(readers[name]):
            graph[reader] = graph[reader].replaced(
                inputs=node.inputs,
                options={"strides": node.options["strides"]},
            )
    return graph.sorted()


def _is_pointwise(node):
    return node.op == "conv" and node.weights["kernel"].shape[:2] == (1, 1)
