"""A `Graph` as a Keras model of plain layers."""

import keras
import numpy as np
from keras import layers

from export.graph.graph import Graph


def to_keras(graph: Graph) -> keras.Model:
    """A functional model of Keras's own layers that computes a graph.

    Args:
        graph: as read or rewritten.

    Returns:
        A `keras.Model` of images of any batch; it loads wherever Keras is.
    """
    tensors, weights, names = {}, [], _layer_names(graph)
    for name, node in graph.nodes.items():
        if node.op == "input":
            dtype = node.options.get("dtype", "float32")
            tensors[name] = keras.Input(
                node.options["shape"], name=names[name], dtype=dtype
            )
            continue
        inputs = [tensors[read] for read in node.inputs]
        made, layer = BUILDERS[node.op](names[name], node, inputs)
        tensors[name] = made
        if layer is not None:
            weights.append((layer, node))
    ((name, _),) = graph.of("input")
    model = keras.Model(tensors[name], tensors[graph.output], name=graph.name)
    for layer, node in weights:
        _assign(layer, node)
    return model


def _layer_names(graph):
    """Names without the slashes that Keras forbids, each once."""
    names: dict[str, str] = {}
    for name in graph.nodes:
        plain, number = name.replace("/", "."), 1
        unique = plain
        while unique in names.values():
            number += 1
            unique = f"{plain}_{number}"
        names[name] = unique
    return names


def _assign(layer, node):
    values = dict(node.weights)
    if isinstance(layer, layers.BatchNormalization):
        channels = len(values["scale"])
        layer.set_weights(
            [
                values["scale"],
                values["offset"],
                np.zeros(channels),
                np.ones(channels),
            ]
        )
        return
    layer.set_weights(list(values.values()))


def _window(node):
    return {
        "strides": node.options["strides"],
        "padding": node.options["padding"],
        "data_format": "channels_last",
    }


def _convolution(node):
    return {
        **_window(node),
        "dilation_rate": node.options.get("dilation", (1, 1)),
        "use_bias": "bias" in node.weights,
        "activation": node.options.get("activation"),
    }


def _conv(name, node, inputs):
    *size, _, filters = node.weights["kernel"].shape
    layer = layers.Conv2D(filters, size, name=name, **_convolution(node))
    return layer(*inputs), layer


def _depthwise_conv(name, node, inputs):
    size = node.weights["kernel"].shape[:2]
    layer = layers.DepthwiseConv2D(size, name=name, **_convolution(node))
    return layer(*inputs), layer


def _dense(name, node, inputs):
    layer = layers.Dense(
        node.weights["kernel"].shape[1],
        use_bias="bias" in node.weights,
        activation=node.options.get("activation"),
        name=name,
    )
    return layer(*inputs), layer


def _ended(made, name, node):
    """What a layer without activations gives, with the node's."""
    function = node.options.get("activation")
    return layers.Activation(function, name=name)(made) if function else made


def _named(name, node):
    """The name of a layer that `_ended` may follow."""
    return f"{name}-plain" if node.options.get("activation") else name


def _affine(name, node, inputs):
    # Keras has no plain scale and offset: with mean 0, variance 1 and no
    # epsilon this is one.
    layer = layers.BatchNormalization(epsilon=0.0, name=_named(name, node))
    return _ended(layer(*inputs, training=False), name, node), layer


def _group_norm(name, node, inputs):
    layer = layers.GroupNormalization(
        node.options["groups"], epsilon=node.options["epsilon"], name=name
    )
    return layer(*inputs), layer


def _add(name, node, inputs):
    total = layers.Add(name=_named(name, node))(inputs)
    return _ended(total, name, node), None


def _pool(kind):
    def build(name, node, inputs):
        layer = kind(node.options["size"], name=name, **_window(node))
        return layer(*inputs), None

    return build


def _plain(kind, **arguments):
    def build(name, node, inputs):
        return kind(name=name, **arguments)(*inputs), None

    return build


def _global_pool(kind):
    def build(name, node, inputs):
        keepdims = node.options.get("keepdims", False)
        return kind(keepdims=keepdims, name=name)(*inputs), None

    return build


def _concat(name, node, inputs):
    return layers.Concatenate(name=name)(inputs), None


def _pad(name, node, inputs):
    return layers.ZeroPadding2D(node.options["pads"], name=name)(*inputs), None


def _multiply(name, node, inputs):
    return layers.Multiply(name=name)(inputs), None


def _reshape(name, node, inputs):
    return layers.Reshape(node.options["shape"], name=name)(*inputs), None


def _slice(name, node, inputs):
    sizes = inputs[0].shape[1:3]
    cropping = [
        (begin, size - begin - kept)
        for begin, kept, size in zip(
            node.options["begin"], node.options["size"], sizes, strict=True
        )
    ]
    return layers.Cropping2D(cropping, name=name)(*inputs), None


def _activation(name, node, inputs):
    if node.options["function"] == "silu":
        # TensorFlow's own has a gradient that no SavedModel without variables
        # can hold.
        gate = layers.Activation("sigmoid", name=f"{name}-sigmoid")(*inputs)
        return layers.Multiply(name=name)([*inputs, gate]), None
    layer = layers.Activation(node.options["function"], name=name)
    return layer(*inputs), None


def _scale_positions(name, node, inputs):
    factor = node.weights["factor"]
    layer = layers.Normalization(
        axis=(1, 2),
        mean=np.zeros_like(factor),
        variance=factor**-2.0,
        name=name,
    )
    return layer(*inputs), None


def _cast(name, node, inputs):
    # Of Keras's layers this one takes integers as they are.
    return layers.Rescaling(1.0, name=name)(*inputs), None


def _standardize(name, node, inputs):
    # Keras's own layer has no floor under the deviation. Added to variances of
    # whole pixels, 0 or more than this, its square does the same.
    layer = layers.LayerNormalization(
        axis=(1, 2, 3),
        epsilon=float(1 / np.prod(inputs[0].shape[1:])),
        center=False,
        scale=False,
        name=name,
    )
    return layer(*inputs), None


BUILDERS = {
    "conv": _conv,
    "depthwise_conv": _depthwise_conv,
    "dense": _dense,
    "affine": _affine,
    "group_norm": _group_norm,
    "scale_positions": _scale_positions,
    "relu": _plain(layers.ReLU),
    "add": _add,
    "multiply": _multiply,
    "reshape": _reshape,
    "max_pool": _pool(layers.MaxPooling2D),
    "average_pool": _pool(layers.AveragePooling2D),
    "global_average_pool": _global_pool(layers.GlobalAveragePooling2D),
    "global_max_pool": _global_pool(layers.GlobalMaxPooling2D),
    "concat": _concat,
    "pad": _pad,
    "slice": _slice,
    "activation": _activation,
    "cast": _cast,
    "standardize": _standardize,
}
