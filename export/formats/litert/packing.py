"""How the flatbuffer of a LiteRT file is written."""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from export.formats.litert.versions import state_versions

IDENTIFIER = b"TFL3"


class _SharingBuilder(flatbuffers.Builder):
    def __init__(self, size):
        super().__init__(size)
        self._vectors = {}

    def CreateNumpyVector(self, x):  # noqa: N802  named by flatbuffers
        key = (x.dtype.str, x.tobytes())
        if key not in self._vectors:
            self._vectors[key] = super().CreateNumpyVector(x)
        return self._vectors[key]


def pack(model: schema.ModelT) -> bytes:
    """The content of a `.tflite` file.

    Each operation states the version that it needs. Kernels that are quantised
    by filter have a zero point for each filter in 64 bits, all zero, and so
    have their biases: a tenth of an int8 NASNet mobile, which this writes once
    for each length.

    Args:
        model: holds its weights itself, not at an offset behind it.
    """
    state_versions(model)
    for subgraph in model.subgraphs:
        for tensor in subgraph.tensors:
            found = tensor.quantization
            if found is not None and found.scale is not None:
                found.scale = np.asarray(found.scale, "float32")
                found.zeroPoint = np.asarray(found.zeroPoint, "int64")
    for buffer in model.buffers:
        if buffer.data is not None:
            # An array is copied at once, anything else byte by byte.
            buffer.data = np.frombuffer(buffer.data, "uint8")
    builder = _SharingBuilder(1 << 20)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())
