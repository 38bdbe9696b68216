"""Channels in numbers that fill a runtime's blocks."""

from __future__ import annotations

import typing

import numpy as np

from export.graph import Graph, shapes

# onnxruntime keeps maps in blocks of 8 channels, or with AVX512 of 16. There 16
# gain 3 % more, in a file 4 % larger, and are too many for other processors.
BLOCK = 8

# Each channel of what these return is made of that channel of what they read.
_CHANNELWISE = (
    "depthwise_conv",
    "max_pool",
    "average_pool",
    "affine",
    "scale_positions",
    "relu",
    "add",
    "multiply",
    "pad",
    "slice",
    "global_average_pool",
    "global_max_pool",
)
# Finite of zero; unlike a softmax they need no other channel.
_ELEMENTWISE = (
    "relu6",
    "sigmoid",
    "hard_sigmoid",
    "silu",
    "hard_silu",
    "gelu",
    "tanh",
)
# Weights whose last axis is the channels of what an operation returns.
_PER_CHANNEL = {
    "conv": ("kernel", "bias"),
    "depthwise_conv": ("bias",),
    "affine": ("scale", "offset"),
    "group_norm": ("gamma", "beta"),
}
_KERNELS = ("conv", "depthwise_conv", "dense")


class Layout(typing.NamedTuple):
    """Where a map's channels lie among channels that no result depends on.

    Args:
        places: the place of each channel.
        width: how many there are with those between.
    """

    places: np.ndarray
    width: int

    def spread(self, values, axis):
        """An array with zeros along `axis` between its values."""
        if self.width == len(self.places):
            return values
        shape = list(values.shape)
        shape[axis] = self.width
        spread = np.zeros(shape, values.dtype)
        np.moveaxis(spread, axis, 0)[self.places] = np.moveaxis(values, axis, 0)
        return spread


def pad_channels(graph: Graph) -> Graph:
    """Maps get channels that nothing reads, so that they fill whole blocks.

    Kernels have zeros for them. What the network takes and returns stays as
    it is, as does every map of which an operation needs all channels at once,
    such as a softmax or a norm over channels.

    Gain: onnxruntime, whose blocked layout wants whole blocks: NASNet mobile,
    of 11, 22, 44 channels and so on, takes 0.76 of the time, of one image
    and of 16, on one x86 thread, in a file 1.1 % larger.
    """
    graph = graph.copy()
    layouts = _layouts(graph)
    for name, node in list(graph.nodes.items()):
        weights = dict(node.weights)
        if node.op in _KERNELS:
            read = layouts[node.inputs[0]]
            weights["kernel"] = read.spread(weights["kernel"], -2)
        for key in _PER_CHANNEL.get(node.op, ()):
            if key in weights:
                weights[key] = layouts[name].spread(weights[key], -1)
        graph[name] = node.replaced(weights=weights)
    return graph


def _layouts(graph):
    """The layout of what each node returns."""
    channels = {name: shape[-1] for name, shape in shapes(graph).items()}
    concats = {
        name: node.inputs
        for name, node in graph.of("concat")
        if len(node.inputs) > 1
    }
    alike, fixed = _constraints(graph, channels, concats)
    _bind_parts(concats, channels, alike, fixed)
    layouts: dict[str, Layout] = {}
    # From the narrowest on: a part is narrower than its concat.
    for name in sorted(graph.nodes, key=channels.__getitem__):
        if name in layouts:
            continue
        width = channels[name]
        parts = _parts(alike[name], concats)
        if alike[name] & fixed:
            layout = Layout(np.arange(width), width)
        elif parts:
            layout = _concatenated([layouts[part] for part in parts[0]])
        else:
            layout = Layout(np.arange(width), -(-width // BLOCK) * BLOCK)
        layouts.update(dict.fromkeys(alike[name], layout))
    return layouts


def _constraints(graph, channels, concats):
    """The nodes that must lie as each does, and those that must not move."""
    alike = {name: {name} for name in graph.nodes}
    fixed = {graph.output}
    for name, node in graph.nodes.items():
        if _is_channelwise(name, node, channels):
            for source in node.inputs:
                _unite(alike, name, source)
        elif node.op == "dense":
            fixed.add(name)
        elif name not in concats and not _is_conv(node, channels):
            # As the input, and what may need all channels at once.
            fixed.update((name, *node.inputs))
    return alike, fixed


def _is_channelwise(name, node, channels):
    if {channels[name]} != {channels[source] for source in node.inputs}:
        return False
    if node.op == "group_norm":
        # Without epsilon a channel of zeros has no norm.
        return node.options["groups"] == -1 and node.options["epsilon"] > 0
    if node.op == "activation":
        return node.options["function"] in _ELEMENTWISE
    return node.op in _CHANNELWISE


def _is_conv(node, channels):
    """Whether it is a convolution that reads all channels: of one group."""
    if node.op != "conv":
        return False
    return node.weights["kernel"].shape[2] == channels[node.inputs[0]]


def _bind_parts(concats, channels, alike, fixed):
    """Lets the parts of concats that lie alike do so too."""
    # From the widest on: a concat is bound by wider ones alone.
    for name in sorted(concats, key=channels.__getitem__, reverse=True):
        parts = _parts(alike[name], concats)
        cuts = {tuple(channels[part] for part in inputs) for inputs in parts}
        if len(cuts) > 1:
            fixed.add(name)
        if alike[name] & fixed:
            fixed.update(concats[name])
            continue
        for pair in zip(concats[name], parts[0], strict=True):
            _unite(alike, *pair)


def _unite(alike, one, other):
    if alike[one] is not alike[other]:
        alike[one] |= alike[other]
        alike.update(dict.fromkeys(alike[other], alike[one]))


def _parts(names, concats):
    """The inputs of each concat among nodes."""
    return [concats[name] for name in names if name in concats]


def _concatenated(layouts):
    places, width = [], 0
    for layout in layouts:
        places.append(layout.places + width)
        width += layout.width
    return Layout(np.concatenate(places), width)
