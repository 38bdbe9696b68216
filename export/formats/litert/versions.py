"""The version of each operation of a LiteRT file, as its schema counts them.

A version says what a runtime must know of an operation: types, options. One
that is older refuses the file in a line. Where a file claims less than it
needs, it is loaded and may answer anything: tflite-runtime 2.14 gave 0.001 for
each of a thousand classes.

The rules are those of LiteRT's `GetBuiltinOperatorVersion`
(tflite/tools/versioning/op_version.cc), of the operations that are written
here and of those that TensorFlow's converter and ai-edge-quantizer add.
"""

from ai_edge_litert import schema_py_generated as schema

# Readers of old look at a byte of their own, which ends here.
_LAST_OLD_CODE = 127
# Those of which int8 is the second version.
_INT8_IS_SECOND = frozenset(
    (
        "ADD",
        "ARG_MAX",
        "AVERAGE_POOL_2D",
        "CONCATENATION",
        "EXP",
        "GATHER",
        "LOGISTIC",
        "MAXIMUM",
        "MAX_POOL_2D",
        "MEAN",
        "MINIMUM",
        "MUL",
        "PACK",
        "PAD",
        "PADV2",
        "REDUCE_MAX",
        "RELU",
        "RELU6",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "RSQRT",
        "SLICE",
        "SOFTMAX",
        "SQRT",
        "STRIDED_SLICE",
        "SUB",
        "SUM",
        "TANH",
        "TOPK_V2",
        "TRANSPOSE",
    )
)
# Of weights in 8 bits that are computed with in float32: one scale for the
# whole kernel, and one for each filter.
_HYBRID = {
    "CONV_2D": (2, 5),
    "DEPTHWISE_CONV_2D": (4, 6),
    "FULLY_CONNECTED": (3, 12),
}
_INT8_WEIGHTED = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
}
_NAMES = {
    code: name
    for name, code in vars(schema.BuiltinOperator).items()
    if not name.startswith("_")
}


def operator_code(name: str, version: int = 1) -> schema.OperatorCodeT:
    """What a model's operators name their kind by.

    `state_versions` raises the version to what the operators need.

    Args:
        name: of `schema.BuiltinOperator`, such as `"CONV_2D"`.
        version: of the operation.
    """
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, _LAST_OLD_CODE)
    code.version = version
    return code


def state_versions(model: schema.ModelT) -> None:
    """Gives each operator a code with the version that it needs, in place.

    Args:
        model: whose codes may say less; what they say at most stays.
    """
    made: dict[tuple, int] = {}
    codes: list[schema.OperatorCodeT] = []
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            old = model.operatorCodes[operator.opcodeIndex]
            code = max(old.builtinCode, old.deprecatedBuiltinCode)
            needed = _version(_NAMES[code], operator, subgraph.tensors)
            version = max(old.version, needed)
            key = (code, version, old.customCode)
            if key not in made:
                made[key] = len(codes)
                new = operator_code(_NAMES[code], version)
                new.customCode = old.customCode
                codes.append(new)
            operator.opcodeIndex = made[key]
    model.operatorCodes = codes


def _version(name, operator, tensors):
    reads = [tensors[i] for i in operator.inputs if i >= 0]
    writes = [tensors[i] for i in operator.outputs]
    first = reads[0].type if reads else None
    options = operator.builtinOptions
    if name in _HYBRID:
        return _weighted_version(name, operator, reads)
    if name == "DEQUANTIZE":
        if first == schema.TensorType.FLOAT16:
            return 3
        if first == schema.TensorType.INT8:
            return 5 if _by_channel(reads[0]) else 2
    if name == "CAST" and schema.TensorType.INT8 in (first, writes[0].type):
        return 3
    if name == "RESIZE_BILINEAR" and options.halfPixelCenters:
        return 3
    if name == "RESIZE_NEAREST_NEIGHBOR" and (
        options.halfPixelCenters or options.alignCorners
    ):
        return 3
    if first == schema.TensorType.INT8:
        if name == "TILE" or (name == "MUL" and _grows(reads, writes[0])):
            return 3
        if name in _INT8_IS_SECOND:
            return 2
    return 1


def _weighted_version(name, operator, reads):
    options = operator.builtinOptions
    is_int8 = [tensor.type == schema.TensorType.INT8 for tensor in reads[:2]]
    if is_int8 == [False, True]:
        return _HYBRID[name][_by_channel(reads[1])]
    if name == "FULLY_CONNECTED":
        # A bias that is told to be missing counts.
        if len(operator.inputs) == 2:
            return 6
        if options.keepNumDims:
            return 5
    if all(is_int8):
        return _INT8_WEIGHTED[name]
    if name == "DEPTHWISE_CONV_2D" and (
        max(options.dilationHFactor, options.dilationWFactor) > 1
    ):
        return 2
    return 1


def _by_channel(tensor):
    """Whether it has a scale for each filter."""
    return len(tensor.quantization.scale) > 1


def _grows(reads, written):
    """Whether a product's scale is at least that of what it is stored as."""
    first, second = (tensor.quantization.scale[0] for tensor in reads)
    return first * second / written.quantization.scale[0] >= 1
