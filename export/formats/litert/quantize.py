"""LiteRT files with 8-bit weights, or with 8-bit weights and feature maps.

By ai-edge-quantizer, which is told what XNNPACK runs in which way, for an
operation that XNNPACK lacks cuts the network in two.
"""

import contextlib
import io
import re
import warnings

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_quantizer import qtyping, quantizer, recipe_manager

from export.formats.litert.packing import pack
from export.formats.litert.ranges import (
    LitertModel,
    measure_ranges,
    share_ranges,
)
from export.formats.litert.versions import operator_code
from export.sources.images import LEAST_CALIBRATION
from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError

METHODS = ("dynamic", "int8")
BITS = 8
# Operations with a kernel.
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
# What XNNPACK runs in int8. It lacks softmax and average pools, which stay in
# float32 between two conversions that it has.
INT8 = (
    *WEIGHTED,
    "ADD",
    "CONCATENATION",
    "LOGISTIC",
    "MAX_POOL_2D",
    "MEAN",
    "MUL",
    "PAD",
    "RELU",
    "RESHAPE",
    "SLICE",
    "STRIDED_SLICE",
    "TANH",
)
# What tells of layer norm.
STATISTICS = ("RSQRT", "SQRT", "SUB")
_EVERYTHING = ".*"
# Of int8, and so the zero point of a range that begins at 0.
_LOWEST = -128


def quantize_litert(
    model: bytes, method: str, calibration: np.ndarray | None = None
) -> bytes:
    """Quantises a float32 LiteRT file.

    `"dynamic"`: convolutions and dense layers keep weights in int8, one scale
    for each filter, and convert their input when they run. Depthwise
    convolutions, which XNNPACK lacks in this form, keep weights in int8, too,
    but compute in float32.

    `"int8"`: feature maps are int8, too, by ranges that are measured on
    images. Input and output stay float32: the conversion of the input takes
    0.01 ms at 224x224, that of the output nothing that can be measured, and
    softmax, which is in float32 in any case, stays as fine as it was.

    Args:
        model: content of a `.tflite` file of one network with one input of
            fixed size.
        method: `"dynamic"` or `"int8"`.
        calibration: for `"int8"`, 100 images or more such as the network is
            to see: `(n, height, width, channels)`, as the file takes them.

    Returns:
        The content of the quantised `.tflite` file.

    Raises:
        InputError: the method is unknown, or images are missing, too few or
            do not fit the model.
    """
    check_choice("method", method, METHODS)
    if method == "dynamic":
        return pack(_quantized(model, _dynamic_recipe()).model)
    images = _enough(calibration)
    float_model = LitertModel(model)
    measured = measure_ranges(model, images)
    ranges = {
        float_model.feature_maps[index]: {
            "min": np.array([low], "float32"),
            "max": np.array([high], "float32"),
        }
        for index, (low, high) in share_ranges(float_model, measured).items()
    }
    quantized = _quantized(model, _int8_recipe(float_model), ranges)
    convert_relus(quantized)
    return pack(quantized.model)


def _enough(calibration: np.ndarray | None) -> np.ndarray:
    if calibration is None:
        raise InputError(
            "calibration: missing, and int8 needs images such as the model is "
            f"to see; give {LEAST_CALIBRATION} or more"
        )
    if len(calibration) < LEAST_CALIBRATION:
        raise InputError(
            f"calibration: {len(calibration)} images are too few; give "
            f"{LEAST_CALIBRATION} or more"
        )
    return calibration


def _quantized(model, recipe, ranges=None):
    with contextlib.ExitStack() as stack:
        # It prints a progress bar on stderr whatever it is told, and LiteRT
        # warns of the memory that it takes.
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        result = quantizer.Quantizer(model, recipe).quantize(
            ranges, enable_progress_report=False, enable_progress_bar=False
        )
    return LitertModel(result.quantized_model)


def _dynamic_recipe():
    recipe = recipe_manager.RecipeManager()
    for name in ("CONV_2D", "FULLY_CONNECTED"):
        operation = qtyping.TFLOperationName(name)
        recipe.add_dynamic_config(_EVERYTHING, operation, BITS)
    depthwise = qtyping.TFLOperationName.DEPTHWISE_CONV_2D
    recipe.add_weight_only_config(_EVERYTHING, depthwise, BITS)
    return recipe.get_quantization_recipe()


def _int8_recipe(model):
    recipe = recipe_manager.RecipeManager()
    for name in INT8:
        operation = qtyping.TFLOperationName(name)
        recipe.add_static_config(_EVERYTHING, operation, BITS, BITS)
    for name in _float_operations(model):
        # The quantiser ends the names that an operation writes so.
        recipe.add_quantization_config(
            f"^{re.escape(name)};$",
            qtyping.TFLOperationName.ALL_SUPPORTED,
            algorithm_key=quantizer.AlgorithmName.NO_QUANTIZE,
        )
    return recipe.get_quantization_recipe()


def _float_operations(model):
    """What 8 bits are too few for: names of what these operations write.

    The sigmoid that a classifier ends in, as softmax; preprocessing, which no
    kernel comes before; and layer norm, by its means and deviations, what
    reads these, and the factors and offsets after that.
    """
    after_kernel: set[int] = set()
    statistics: set[int] = set()
    floats: set[int] = set()
    centred_by = {
        index
        for name, operation in model.operations
        if name == "SUB"
        for index in operation.inputs
    }
    answers = set(model.subgraph.outputs)
    for name, operation in model.operations:
        reads, writes = set(operation.inputs), set(operation.outputs)
        if name in WEIGHTED or reads & after_kernel:
            after_kernel |= writes
        # Another mean squeezes a feature map, to scale its channels by.
        is_statistic = name in STATISTICS or (
            name == "MEAN"
            and operation.builtinOptions.keepDims
            and bool(writes & centred_by or reads & floats)
        )
        if is_statistic:
            statistics |= writes
        follows = reads & statistics or (
            reads & floats and reads - model.feature_maps.keys()
        )
        if (
            is_statistic
            or not writes & after_kernel
            or (name in ("LOGISTIC", "TANH") and writes & answers)
            or (name in ("ADD", "MUL") and follows)
        ):
            floats |= writes
    return [
        name for index, name in model.feature_maps.items() if index in floats
    ]


def convert_relus(model: LitertModel) -> None:
    """Turns each int8 ReLU of its own into a conversion of scales, in place.

    A feature map that begins at zero cannot hold negative values, so the
    conversion to its scale is ReLU. XNNPACK has the conversion and lacks the
    ReLU, which cuts the network: 39 to 28 ms for all 48 of the stock NASNet
    mobile.
    """
    relus = [
        operation
        for name, operation in model.operations
        if name == "RELU" and _begins_at_zero(model, operation.outputs[0])
    ]
    if not relus:
        return
    model.model.operatorCodes.append(operator_code("QUANTIZE"))
    for operation in relus:
        operation.opcodeIndex = len(model.model.operatorCodes) - 1
        operation.builtinOptionsType = schema.BuiltinOptions.QuantizeOptions
        operation.builtinOptions = schema.QuantizeOptionsT()


def _begins_at_zero(model, index):
    tensor = model.subgraph.tensors[index]
    is_int8 = tensor.type == schema.TensorType.INT8
    return is_int8 and tensor.quantization.zeroPoint[0] == _LOWEST
