"""A Keras model as one TensorFlow function without variables."""

from __future__ import annotations

import collections
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

from nasnet_tf.checks.errors import InputError

_SUMS = ("Add", "AddV2", "AddN")
# A function is one protocol buffer, which ends at 2 GiB.
_LIMIT = 2**31 - 2**26


def frozen_network(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """The model's inference, its weights as constants.

    TensorFlow folds constants and keeps each kernel in the layout of oneDNN,
    where it would reorder a variable at every call: one image of NASNet mobile
    takes 0.85 of the time, sixteen at once 0.98.

    Args:
        model: functional, of one output and one input with a fixed height and
            width.

    Returns:
        A `tf.function` of images `(batch, height, width, channels)`, any
        batch, to `(batch, classes)`.

    Raises:
        InputError: the weights have 2 GiB or more.
    """
    _check_weights(model)
    given = model.inputs[0]
    spec = tf.TensorSpec((None, *given.shape[1:]), given.dtype, name="images")

    @tf.function(autograph=False, input_signature=[spec])
    def inference(images):
        return model(images, training=False)

    frozen = convert_variables_to_constants_v2(
        inference.get_concrete_function()
    )
    graph = keep_fusion(frozen.graph.as_graph_def())
    (source,), (result,) = frozen.inputs, frozen.outputs

    @tf.function(autograph=False, input_signature=[spec])
    def network(images):
        (predictions,) = tf.graph_util.import_graph_def(
            graph, {source.name: images}, [result.name], name=""
        )
        return predictions

    return network


def keep_fusion(graph: tf.compat.v1.GraphDef) -> tf.compat.v1.GraphDef:
    """Keeps TensorFlow's optimizer from giving up all fusion.

    With oneDNN its remapper fuses convolution, bias, sum and ReLU without a
    look at who else reads the sum; where someone does, it fails for the whole
    graph ("fanout exist for missing node", TensorFlow 2.20) and fuses nothing.
    As a maximum with 0 such a ReLU is not fused, and all others are: 1 % of
    NASNet mobile's time, and no line about the failure wherever it is loaded.

    Args:
        graph: stays as it is.

    Returns:
        A graph that computes the same.
    """
    fixed = tf.compat.v1.GraphDef()
    fixed.CopyFrom(graph)
    nodes = {node.name: node for node in fixed.node}
    readers = collections.Counter(
        _node(name) for node in fixed.node for name in node.input
    )
    for node in graph.node:
        source = _node(node.input[0]) if node.op == "Relu" else None
        if readers[source] < 2 or not _is_fused(nodes[source], nodes):
            continue
        dtype = tf.as_dtype(node.attr["T"].type)
        zero = fixed.node.add(name=f"{node.name}/zero", op="Const")
        zero.attr["dtype"].type = dtype.as_datatype_enum
        zero.attr["value"].tensor.CopyFrom(
            tf.make_tensor_proto(np.zeros((), dtype.as_numpy_dtype))
        )
        nodes[node.name].op = "Maximum"
        nodes[node.name].input.insert(1, zero.name)
    return fixed


def _is_fused(node, nodes):
    """Whether a node is a sum that may become part of a convolution."""
    return node.op in _SUMS and any(
        nodes[_node(name)].op == "BiasAdd" for name in node.input
    )


def _node(name):
    """The node of a tensor's or a control input's name."""
    return name.lstrip("^").partition(":")[0]


def _check_weights(model):
    size = sum(
        np.prod(weight.shape) * np.dtype("float32").itemsize
        for weight in model.weights
    )
    if size >= _LIMIT:
        raise InputError(
            f"model: {model.name} has {size / 2**30:.1f} GiB of weights and a "
            "SavedModel without variables holds less than 2; export it with "
            "model.export"
        )
