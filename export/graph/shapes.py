"""What the operations are, by the shapes that they return."""

import math
from collections.abc import Callable

import numpy as np

from export.graph.graph import Graph


def shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """The shape of each node's output, without the batch."""
    found: dict[str, tuple[int, ...]] = {}
    for name, node in graph.nodes.items():
        inputs = [found[read] for read in node.inputs]
        found[name] = SHAPES[node.op](node, *inputs)
    return found


def window(node) -> tuple[int, int]:
    """Height and width that one output of a convolution or pool sees."""
    if node.op in ("conv", "depthwise_conv"):
        dilation = node.options.get("dilation", (1, 1))
        size = node.weights["kernel"].shape[:2]
        return tuple(
            (s - 1) * d + 1 for s, d in zip(size, dilation, strict=True)
        )
    return node.options["size"]


def same_padding(size, window, stride) -> tuple[int, int]:
    """Rows before and after that `"same"` adds to `size` rows."""
    total = max((math.ceil(size / stride) - 1) * stride + window - size, 0)
    # Of an odd number the row more is after, as in TensorFlow.
    return total // 2, total - total // 2


def _slide(node, shape):
    sizes = []
    for size, seen, stride in zip(
        shape[:2], window(node), node.options["strides"], strict=True
    ):
        if node.options["padding"] == "same":
            sizes.append(math.ceil(size / stride))
        else:
            sizes.append((size - seen) // stride + 1)
    return tuple(sizes)


def _conv(node, shape):
    return (*_slide(node, shape), node.weights["kernel"].shape[-1])


def _channelwise(node, shape):
    return (*_slide(node, shape), shape[-1])


def _unchanged(node, shape, *others):
    return shape


def _concat(node, *inputs):
    return (*inputs[0][:-1], sum(shape[-1] for shape in inputs))


def _pad(node, shape):
    rows, columns = node.options["pads"]
    return (shape[0] + sum(rows), shape[1] + sum(columns), shape[2])


def _broadcast(node, *inputs):
    return tuple(np.broadcast_shapes(*inputs))


def _global_pool(node, shape):
    return (1, 1, shape[-1]) if node.options.get("keepdims") else shape[-1:]


# conv, depthwise_conv: weights kernel `(height, width, in, out)` or `(height,
#   width, channels, 1)`, bias; options strides, padding "same" or "valid",
#   dilation, activation: None, "relu" or "relu6", which follows.
# affine: weights scale and offset for each channel; option activation.
# group_norm: `groups`, 1 or
#   -1 (a group for each channel), epsilon; gamma and beta.
# scale_positions: `factor` for each row and column.
# add: of two; option activation. multiply: of two, one of which may have one
#   row and one column. concat: of channels. pad: with zeros, `pads` of rows
#   and columns; slice: from `begin` (row, column), `size` rows and columns.
# global pools: keepdims: whether a row and a column stay. reshape: to `shape`.
# dense: weights kernel `(in, out)`, bias; option activation. activation:
#   `function`, by its Keras name. cast: integers to float32. standardize: each
#   image to mean 0 and variance 1.
SHAPES: dict[str, Callable[..., tuple[int, ...]]] = {
    "input": lambda node: tuple(node.options["shape"]),
    "conv": _conv,
    "depthwise_conv": _channelwise,
    "max_pool": _channelwise,
    "average_pool": _channelwise,
    "affine": _unchanged,
    "group_norm": _unchanged,
    "scale_positions": _unchanged,
    "relu": _unchanged,
    "add": _unchanged,
    "multiply": _broadcast,
    "reshape": lambda node, shape: tuple(node.options["shape"]),
    "activation": _unchanged,
    "cast": _unchanged,
    "standardize": _unchanged,
    "concat": _concat,
    "pad": _pad,
    "slice": lambda node, shape: (*node.options["size"], shape[2]),
    "global_average_pool": _global_pool,
    "global_max_pool": _global_pool,
    "dense": lambda node, shape: node.weights["kernel"].shape[1:],
}
