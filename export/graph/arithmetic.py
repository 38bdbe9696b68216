"""Sums, products and scalings in a Keras model, as nodes of a `Graph`.

Functions as in `export.graph.layers`.
"""

import keras
import numpy as np

from export.graph import pixels
from export.graph.parts import value_of
from nasnet_tf.checks.errors import InputError


def add(graph, inputs, parts):
    """A sum of feature maps, or an offset for each channel."""
    if _with_constant(parts):
        offset, _ = _constant(parts)
        return _affine(graph, inputs, parts, 1.0, offset)
    if (
        len({tuple(t.shape) for t in parts.tensors}) != 1
        or len(parts.tensors) < 2
    ):
        raise InputError(
            f"model: {parts.name} adds other things than feature maps of "
            "one shape, which export does not know"
        )
    return _of_pairs(graph, inputs, parts, "add")


def multiply(graph, inputs, parts):
    """A product of feature maps, or a factor for each channel."""
    if _with_constant(parts):
        factor, _ = _constant(parts)
        return _affine(graph, inputs, parts, factor, 0.0)
    ranks = {len(tensor.shape) for tensor in parts.tensors}
    if len(ranks) != 1 or len(parts.tensors) < 2:
        raise InputError(
            f"model: {parts.name} multiplies other things than feature maps, "
            "which export does not know"
        )
    return _of_pairs(graph, inputs, parts, "multiply")


def subtract(graph, inputs, parts):
    """An offset for each channel, or the first half of whitening."""
    if not _with_constant(parts):
        return pixels.centred(graph, inputs, parts)
    constant, is_first = _constant(parts)
    if is_first:
        return _affine(graph, inputs, parts, -1.0, constant)
    return _affine(graph, inputs, parts, 1.0, -constant)


def divide(graph, inputs, parts):
    """A factor for each channel, or the second half of whitening."""
    if not _with_constant(parts):
        return pixels.whitened(graph, inputs, parts)
    constant, is_first = _constant(parts)
    if is_first:
        raise InputError(
            f"model: {parts.name} divides by a feature map, which export does "
            "not know"
        )
    return _affine(graph, inputs, parts, 1 / np.float64(constant), 0.0)


def rescaling(graph, inputs, parts):
    """Keras's `Rescaling`."""
    scale, offset = (
        _per_channel(value_of(value), parts)
        for value in (parts.layer.scale, parts.layer.offset)
    )
    return _affine(graph, inputs, parts, scale, offset)


def normalization(graph, inputs, parts):
    """Keras's `Normalization`, its statistics as they are now."""
    layer = parts.layer
    mean, variance = (
        np.float64(_per_channel(value_of(value), parts))
        for value in (layer.mean, layer.variance)
    )
    deviation = np.maximum(np.sqrt(variance), keras.backend.epsilon())
    if layer.invert:
        return _affine(graph, inputs, parts, deviation, mean)
    return _affine(graph, inputs, parts, 1 / deviation, -mean / deviation)


def _with_constant(parts):
    """Whether it is called on one tensor of the model and something else."""
    return len(parts.tensors) == 1 and len(parts.arguments.args) == 2


def _constant(parts):
    """What is no tensor of the model, and whether it is the first argument."""
    first, second = parts.arguments.args
    is_first = first is not parts.tensors[0]
    value = value_of(first if is_first else second)
    return _per_channel(value, parts), is_first


def _per_channel(value, parts):
    """One number, or one for each channel, of an array."""
    shape, channels = value.shape, parts.tensors[0].shape[-1]
    while value.ndim > 1 and value.shape[0] == 1:
        value = value[0]
    if value.shape not in ((), (1,), (channels,)):
        raise InputError(
            f"model: {parts.name} takes an array of shape {shape}; export "
            "knows one number for each channel"
        )
    return value


def _affine(graph, inputs, parts, scale, offset):
    channels = parts.tensors[0].shape[-1]
    weights = {
        name: np.broadcast_to(np.asarray(value, "float32"), (channels,))
        for name, value in (("scale", scale), ("offset", offset))
    }
    return graph.add(parts.name, "affine", inputs, weights=weights)


def _of_pairs(graph, inputs, parts, op):
    total = inputs[0]
    for other in inputs[1:]:
        total = graph.add(parts.name, op, [total, other])
    return total
