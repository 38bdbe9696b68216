"""Large depthwise convolutions as sums of small ones."""

from export.graph import Graph, shapes
from export.graph.shapes import same_padding, window

# XNNPACK has kernels of 3, 4, 9 and 25 taps; what is larger runs as a
# convolution in groups of one channel, five times slower than it need be.
TAPS = 25


def split_large_depthwise(graph: Graph) -> Graph:
    """A 7x7 depthwise convolution becomes the sum of 3x7, 3x7 and 1x7.

    Each part reads the rows under its kernel, with zeros around where the
    whole has them. XNNPACK makes the zeros part of the convolution.

    Gain: LiteRT, one x86 thread, 28x28x44: 0.65 to 0.14 ms in float32, 1.0 to
    0.13 ms in int8; four of at most 4x4 take 0.23 and 0.20 ms, and symmetric
    dilated parts, which need no slices, 0.16 and 0.16 ms. TensorFlow and ONNX
    runtimes have kernels for 7x7 and lose by it.
    """
    graph = graph.copy()
    found = shapes(graph)
    for name, before in graph.of("depthwise_conv"):
        # By now it may read another node, of the same shape.
        size, node = found[before.inputs[0]][:2], graph[name]
        height, width = node.weights["kernel"].shape[:2]
        dilated = max(node.options.get("dilation", (1, 1))) > 1
        if height * width <= TAPS or width > TAPS or dilated:
            continue
        _split(graph, name, node, size, found[name][0])
    return graph.sorted()


def _split(graph, name, node, size, rows):
    kernel, bias = node.weights["kernel"], node.weights.get("bias")
    height, width = kernel.shape[:2]
    above, sides = 0, (0, 0)
    if node.options["padding"] == "same":
        (above, _), sides = [
            same_padding(*sizes)
            for sizes in zip(
                size, window(node), node.options["strides"], strict=True
            )
        ]
    options = {
        "strides": node.options["strides"],
        "padding": "valid",
        "dilation": (1, 1),
    }
    step, total = TAPS // width, None
    for first in range(0, height, step):
        weights = {"kernel": kernel[first : first + step]}
        count = (rows - 1) * options["strides"][0] + len(weights["kernel"])
        begin = first - above
        if begin >= size[0] or begin + count <= 0:
            continue  # Of a small map this part sees zeros alone.
        if bias is not None and total is None:
            weights["bias"] = bias
        made = graph.add(
            f"{name}_rows_{first}",
            "depthwise_conv",
            [_rows(graph, node.inputs[0], begin, count, size, sides)],
            options=options,
            weights=weights,
        )
        if total is not None:
            made = graph.add(f"{name}_sum", "add", [total, made])
        total = made
    options = {"activation": node.options.get("activation")}
    graph[total] = graph[total].replaced(options=options)
    graph.redirect(name, total)


def _rows(graph, source, first, count, size, sides):
    """`count` rows from `first`, which may lie outside, and zeros beside."""
    height, width = size
    begin, end = max(first, 0), min(first + count, height)
    if (begin, end) != (0, height):
        # Two convolutions of one map share it.
        rows = f"{source}_rows_{begin}_{end}"
        if rows not in graph:
            options = {"begin": (begin, 0), "size": (end - begin, width)}
            graph.add(rows, "slice", [source], options=options)
        source = rows
    pads = ((begin - first, first + count - end), sides)
    if any((*pads[0], *pads[1])):
        source = graph.add(
            f"{source}_padded", "pad", [source], options={"pads": pads}
        )
    return source
