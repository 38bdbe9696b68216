"""Writes a `Graph` as a LiteRT (TFLite) file.

The flatbuffer is written directly. TensorFlow's converter needs a minute for
NASNet mobile and its own rewrites undo some of ours; this takes a second, does
not import TensorFlow, and the file holds what the graph says.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.formats.litert.operations import OPERATIONS
from export.formats.litert.packing import pack
from export.formats.litert.versions import operator_code
from export.graph import Graph, shapes

# Of the flatbuffer's schema.
VERSION = 3
# What the quantiser and the profile call the network.
SIGNATURE = "serving_default"
TYPES = {
    np.dtype("float32"): schema.TensorType.FLOAT32,
    np.dtype("float16"): schema.TensorType.FLOAT16,
    np.dtype("int32"): schema.TensorType.INT32,
    np.dtype("uint8"): schema.TensorType.UINT8,
}


def write_litert(graph: Graph, float16: bool = False) -> bytes:
    """The file of a graph, for one image at a time.

    Args:
        graph: with what `export.rewrites` made of it; anything else works as
            well, slower.
        float16: keep weights as float16, at half the size; they are computed
            with as float32 unless a delegate can do otherwise.

    Returns:
        The content of a `.tflite` file with the signature `serving_default`
        of `images` `(1, height, width, channels)` to `predictions`.

    Raises:
        InputError: an operation has no form in LiteRT.
    """
    return Writer(graph, float16).content()


class Writer:
    """Collects tensors, buffers and operations."""

    def __init__(self, graph, float16):
        self.graph = graph
        self.float16 = float16
        self.shapes = shapes(graph)
        self.subgraph = schema.SubGraphT()
        self.subgraph.tensors, self.subgraph.operators = [], []
        self.subgraph.name = graph.name
        # The first buffer is by convention that of tensors that hold nothing.
        empty = schema.BufferT()
        self.model = schema.ModelT()
        self.model.version = VERSION
        self.model.description = f"{graph.name}, written by nasnet_tf"
        self.model.buffers = [empty]
        self.model.operatorCodes = []
        self.codes, self.constants, self.tensors = {}, {}, {}

    def content(self) -> bytes:
        """The finished file."""
        for name, node in self.graph.nodes.items():
            if node.op == "input":
                dtype = np.dtype(node.options.get("dtype", "float32"))
                self.tensors[name] = self.tensor(name, self.shape(name), dtype)
            else:
                OPERATIONS[node.op](self, name, node)
        inputs = [self.tensors[name] for name, _ in self.graph.of("input")]
        outputs = [self.tensors[self.graph.output]]
        self.subgraph.inputs, self.subgraph.outputs = inputs, outputs
        self.model.subgraphs = [self.subgraph]
        self.model.signatureDefs = [_signature(inputs, outputs)]
        return pack(self.model)

    def read(self, node) -> list[int]:
        """The tensors that a node reads."""
        return [self.tensors[name] for name in node.inputs]

    def shape(self, name) -> tuple[int, ...]:
        """Of a node, with the batch."""
        return (1, *self.shapes[name])

    def tensor(self, name, shape, dtype="float32", buffer=0) -> int:
        """A new tensor; what is computed, and not held, has the buffer 0."""
        made = schema.TensorT()
        made.name = name
        made.shape = list(shape)
        made.type = TYPES[np.dtype(dtype)]
        made.buffer = buffer
        made.hasRank = True
        self.subgraph.tensors.append(made)
        return len(self.subgraph.tensors) - 1

    def constant(self, name, values) -> int:
        """A tensor of values that the file holds; equal ones once."""
        values = np.ascontiguousarray(values)
        key = (values.dtype.str, values.shape, values.tobytes())
        if key in self.constants:
            return self.constants[key]
        made = schema.BufferT()
        made.data = key[-1]
        self.model.buffers.append(made)
        buffer = len(self.model.buffers) - 1
        index = self.tensor(name, values.shape, values.dtype, buffer)
        self.constants[key] = index
        return index

    def weight(self, name, values) -> int:
        """A constant that is kept as float16 where the file is."""
        values = np.asarray(values, "float32")
        if not self.float16:
            return self.constant(name, values)
        stored = self.constant(f"{name}_float16", values.astype("float16"))
        key = ("dequantized", stored)
        if key not in self.constants:
            index = self.tensor(name, values.shape)
            self.operator("DEQUANTIZE", [stored], index)
            self.constants[key] = index
        return self.constants[key]

    def operator(self, code, inputs, output, options=None):
        """An operation that writes the tensor `output`."""
        if code not in self.codes:
            self.codes[code] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(operator_code(code))
        made = schema.OperatorT()
        made.opcodeIndex = self.codes[code]
        made.inputs, made.outputs = list(inputs), [output]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            made.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            made.builtinOptions = options
        self.subgraph.operators.append(made)

    def step(self, name, code, inputs, shape, options=None) -> int:
        """An operation and the tensor it writes, of a shape without batch."""
        output = self.tensor(name, (1, *shape))
        self.operator(code, inputs, output, options)
        return output

    def result(self, name, code, inputs, options=None):
        """An operation whose output is the node's."""
        shape = self.shapes[name]
        output = self.step(name, code, inputs, shape, options)
        self.tensors[name] = output


def _signature(inputs, outputs):
    made = schema.SignatureDefT()
    made.signatureKey = SIGNATURE
    made.subgraphIndex = 0
    made.inputs = [_named("images", inputs[0])]
    made.outputs = [_named("predictions", outputs[0])]
    return made


def _named(name, index):
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, index
    return made
