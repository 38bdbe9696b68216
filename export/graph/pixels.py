"""What models do to pixels, by parts that alone are no node of a `Graph`.

`nasnet_tf.preprocess_input` whitens by a mean, a deviation and a quotient, and
that of `keras.applications` turns RGB around by picking channels. Each part is
kept as a node of `HALF`; the last makes one node of them, and what is left of
them in the end is refused.

Functions as in `export.graph.layers`.
"""

import numpy as np

from export.graph.parts import value_of
from nasnet_tf.checks.errors import InputError

HALF = ("mean", "deviation", "least", "centred", "channel")
_IMAGE = (1, 2, 3)


def mean(graph, inputs, parts):
    """Of an image, a part of whitening; or of each channel, a pool."""
    axes = _axes(parts)
    if axes == _IMAGE:
        return graph.add(parts.name, "mean", inputs)
    if axes != (1, 2):
        raise _unknown(parts, "takes means of other axes than rows and columns")
    options = {"keepdims": bool(parts.layer.keepdims)}
    return graph.add(parts.name, "global_average_pool", inputs, options=options)


def deviation(graph, inputs, parts):
    """Of an image."""
    if _axes(parts) != _IMAGE:
        raise _unknown(parts, "takes deviations of other things than an image")
    return graph.add(parts.name, "deviation", inputs)


def maximum(graph, inputs, parts):
    """A deviation, which is at least something."""
    if len(inputs) != 1 or graph[inputs[0]].op != "deviation":
        raise _unknown(parts, "takes a maximum")
    (least,) = (a for a in parts.arguments.args if a is not parts.tensors[0])
    options = {"value": float(value_of(least))}
    return graph.add(parts.name, "least", inputs, options=options)


def centred(graph, inputs, parts):
    """An image less its mean."""
    if len(inputs) != 2 or graph[inputs[1]].op != "mean":
        raise _unknown(parts, "subtracts feature maps")
    if graph[inputs[1]].inputs != (inputs[0],):
        raise _unknown(parts, "subtracts the mean of something else")
    return graph.add(parts.name, "centred", inputs)


def whitened(graph, inputs, parts):
    """An image less its mean, over its deviation."""
    above, below = (graph[name] for name in inputs[:2])
    if len(inputs) != 2 or (above.op, below.op) != ("centred", "least"):
        raise _unknown(parts, "divides by a feature map")
    source = graph[below.inputs[0]].inputs[0]
    least = 1 / np.sqrt(np.prod(parts.shape))
    same = source == above.inputs[0]
    if not same or not np.isclose(below.options["value"], least, rtol=1e-5):
        raise _unknown(parts, "divides by another deviation than the image's")
    return graph.add(parts.name, "standardize", [source])


def is_channel(key, shape) -> bool:
    """Whether an index takes one channel of a feature map."""
    return (
        len(shape) == 4
        and isinstance(key, tuple)
        and len(key) == 2
        and key[0] is Ellipsis
        and isinstance(key[1], int)
    )


def channel(graph, inputs, parts):
    """One channel, for `stack`."""
    channels = parts.tensors[0].shape[-1]
    options = {
        "number": range(channels)[parts.arguments.args[1][1]],
        "channels": channels,
    }
    return graph.add(parts.name, "channel", inputs, options=options)


def stack(graph, inputs, parts):
    """Channels of one feature map in another order: a 1x1 convolution."""
    nodes = [graph[name] for name in inputs]
    picked = {node.op for node in nodes} == {"channel"}
    if not picked or len({node.inputs for node in nodes}) != 1:
        raise _unknown(parts, "stacks other things than channels")
    if parts.layer.axis not in (-1, len(parts.shape)):
        raise _unknown(parts, "stacks other things than channels")
    order = [node.options["number"] for node in nodes]
    channels = nodes[0].options["channels"]
    return reordered(graph, parts.name, nodes[0].inputs[0], order, channels)


def reordered(graph, name, source, order, channels) -> str:
    """Adds the channels `order` of a node's `channels`: a 1x1 convolution."""
    kernel = np.eye(channels, dtype="float32")[:, order]
    return graph.add(
        name,
        "conv",
        [source],
        options={"strides": (1, 1), "padding": "valid", "dilation": (1, 1)},
        weights={"kernel": kernel[None, None]},
    )


def _axes(parts):
    axis, rank = parts.layer.axis, len(parts.tensors[0].shape)
    axes = range(rank) if axis is None else np.atleast_1d(axis)
    if rank != 4:
        raise _unknown(parts, "takes a mean of no feature map")
    return tuple(sorted(int(number) % rank for number in axes))


def _unknown(parts, what):
    return InputError(f"model: {parts.name} {what}, which export does not know")
