"""Against what TensorFlow's converter states of the same operations."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,
)

from export.formats.litert.quantize import quantize_litert
from export.formats.litert.versions import state_versions
from export.formats.litert.writer import write_litert
from export.graph import read_model
from export.rewrites import for_format, rewrite
from tests.conftest import tiny_network

SIZE = 32


def unpacked(content):
    return schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))


def versions(model):
    """The name and the version of each operation's code."""
    names = {
        code: name
        for name, code in vars(schema.BuiltinOperator).items()
        if not name.startswith("_")
    }
    codes = [
        model.operatorCodes[operator.opcodeIndex]
        for subgraph in model.subgraphs
        for operator in subgraph.operators
    ]
    for code in codes:
        assert code.deprecatedBuiltinCode == min(code.builtinCode, 127)
    return [(names[code.builtinCode], code.version) for code in codes]


@pytest.fixture(scope="module")
def images():
    generator = np.random.default_rng(0)
    return generator.uniform(-1, 1, (100, SIZE, SIZE, 3)).astype("float32")


def network():
    """One of each operation that has versions and that networks have."""
    image = x = keras.Input((SIZE, SIZE, 3), batch_size=1)
    x = keras.layers.Conv2D(8, 3, padding="same")(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same", dilation_rate=2)(x)
    x = keras.layers.ReLU(6.0)(x)
    pools = [
        keras.layers.MaxPooling2D(3, 1, padding="same")(x),
        keras.layers.AveragePooling2D(3, 1, padding="same")(x),
    ]
    x = keras.layers.Concatenate()([keras.layers.Add()(pools), *pools])
    x = keras.layers.ReLU()(keras.layers.ZeroPadding2D(1)(x))
    x = keras.layers.Multiply()([x, keras.activations.sigmoid(x)])
    x = keras.layers.Cropping2D(1)(x)
    x = keras.layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = keras.layers.UpSampling2D(2)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(4, "softmax")(x))


@pytest.mark.parametrize("kind", ["none", "float16", "dynamic", "int8"])
def test_versions_are_those_of_the_converter(kind, images):
    keras.utils.set_random_seed(0)
    model = network()
    function = tf.function(lambda x: model(x, training=False), autograph=False)
    spec = tf.TensorSpec((1, SIZE, SIZE, 3), "float32")
    # The converter leaves Keras 3's variables unset.
    frozen = convert_variables_to_constants_v2(
        function.get_concrete_function(spec)
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if kind != "none":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind == "int8":
        converter.representative_dataset = lambda: (
            [image[None]] for image in images[:4]
        )
    stated = unpacked(converter.convert())
    expected = versions(stated)
    assert len({name for name, _ in expected}) > 10
    for code in stated.operatorCodes:
        code.version = 1
    state_versions(stated)
    assert versions(stated) == expected


@pytest.mark.parametrize(
    "kind, expected",
    {
        "none": {("CONV_2D", 1), ("FULLY_CONNECTED", 1), ("ADD", 1)},
        "float16": {("CONV_2D", 1), ("FULLY_CONNECTED", 1), ("DEQUANTIZE", 3)},
        "dynamic": {("CONV_2D", 5), ("FULLY_CONNECTED", 12), ("ADD", 1)},
        "int8": {("CONV_2D", 3), ("FULLY_CONNECTED", 4), ("ADD", 2)},
    }.items(),
)
def test_files_state_versions(kind, expected, images):
    keras.utils.set_random_seed(0)
    model = tiny_network("NASNET_A")
    graph = rewrite(read_model(model), for_format("litert", kind))
    content = write_litert(graph, float16=kind == "float16")
    if kind in ("dynamic", "int8"):
        content = quantize_litert(content, kind, images)
    found = set(versions(unpacked(content)))
    assert expected <= found
    # The quantiser's own operations have codes, too.
    assert kind != "int8" or {("QUANTIZE", 1), ("DEQUANTIZE", 2)} <= found
