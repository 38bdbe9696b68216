"""How each operation of a `Graph` is written in LiteRT."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from nasnet_tf.checks.errors import InputError

PADDINGS = {"same": schema.Padding.SAME, "valid": schema.Padding.VALID}


FUSED = {
    None: schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
}


def _fused(options, node):
    """Options of an operation that ends in the node's activation."""
    options.fusedActivationFunction = FUSED[node.options.get("activation")]
    return options


def _windowed(options, node):
    options.padding = PADDINGS[node.options["padding"]]
    options.strideH, options.strideW = node.options["strides"]
    return options


def _dilated(options, node):
    dilation = node.options.get("dilation", (1, 1))
    options.dilationHFactor, options.dilationWFactor = dilation
    return _windowed(_fused(options, node), node)


def _bias(writer, name, node):
    channels = node.weights["kernel"].shape[
        2 if node.op == "depthwise_conv" else -1
    ]
    if "bias" not in node.weights:
        zeros = np.zeros(channels, "float32")
        return writer.weight(f"zeros_{channels}", zeros)
    return writer.weight(f"{name}/bias", node.weights["bias"])


def _convolution(writer, name, node, code, options):
    # LiteRT's order: filters first, or 1 of a depthwise convolution.
    kernel = np.transpose(node.weights["kernel"], (3, 0, 1, 2))
    inputs = [
        *writer.read(node),
        writer.weight(f"{name}/kernel", kernel),
        _bias(writer, name, node),
    ]
    writer.result(name, code, inputs, _dilated(options, node))


def _conv(writer, name, node):
    _convolution(writer, name, node, "CONV_2D", schema.Conv2DOptionsT())


def _depthwise_conv(writer, name, node):
    options = schema.DepthwiseConv2DOptionsT()
    options.depthMultiplier = 1
    _convolution(writer, name, node, "DEPTHWISE_CONV_2D", options)


def _dense(writer, name, node):
    inputs = [
        *writer.read(node),
        writer.weight(f"{name}/kernel", node.weights["kernel"].T),
        _bias(writer, name, node),
    ]
    options = _fused(schema.FullyConnectedOptionsT(), node)
    writer.result(name, "FULLY_CONNECTED", inputs, options)


def _pool(code):
    def write(writer, name, node):
        options = _windowed(schema.Pool2DOptionsT(), node)
        options.filterHeight, options.filterWidth = node.options["size"]
        writer.result(name, code, writer.read(node), options)

    return write


def _add(writer, name, node):
    options = _fused(schema.AddOptionsT(), node)
    writer.result(name, "ADD", writer.read(node), options)


def _multiply(writer, name, node):
    writer.result(name, "MUL", writer.read(node), schema.MulOptionsT())


def _reshape(writer, name, node):
    shape = np.array([1, *node.options["shape"]], "int32")
    inputs = [*writer.read(node), writer.constant(f"{name}/shape", shape)]
    options = schema.ReshapeOptionsT()
    options.newShape = shape.tolist()
    writer.result(name, "RESHAPE", inputs, options)


def _relu(writer, name, node):
    writer.result(name, "RELU", writer.read(node))


def _concat(writer, name, node):
    options = schema.ConcatenationOptionsT()
    # The channels: these shapes are without the batch.
    options.axis = len(writer.shapes[name])
    writer.result(name, "CONCATENATION", writer.read(node), options)


def _pad(writer, name, node):
    rows, columns = node.options["pads"]
    pads = np.array([(0, 0), rows, columns, (0, 0)], "int32")
    inputs = [*writer.read(node), writer.constant(f"{name}/pads", pads)]
    writer.result(name, "PAD", inputs, schema.PadOptionsT())


def _slice(writer, name, node):
    (top, left), (height, width) = node.options["begin"], node.options["size"]
    begin = np.array([0, top, left, 0], "int32")
    size = np.array([1, height, width, writer.shape(name)[3]], "int32")
    inputs = [
        *writer.read(node),
        writer.constant(f"{name}/begin", begin),
        writer.constant(f"{name}/size", size),
    ]
    writer.result(name, "SLICE", inputs, schema.SliceOptionsT())


def _affine(writer, name, node):
    """A multiplication and an addition for each channel."""
    scale, offset = node.weights["scale"], node.weights["offset"]
    (scaled,) = writer.read(node)
    factor = [scaled, writer.weight(f"{name}/scale", scale)]
    if not offset.any():
        options = _fused(schema.MulOptionsT(), node)
        writer.result(name, "MUL", factor, options)
        return
    if not (scale == 1).all():
        shape, options = writer.shapes[name], schema.MulOptionsT()
        scaled = writer.step(f"{name}/scaled", "MUL", factor, shape, options)
    inputs = [scaled, writer.weight(f"{name}/offset", offset)]
    writer.result(name, "ADD", inputs, _fused(schema.AddOptionsT(), node))


def _scale_positions(writer, name, node):
    factor = writer.weight(f"{name}/factor", node.weights["factor"][..., None])
    inputs = [*writer.read(node), factor]
    writer.result(name, "MUL", inputs, schema.MulOptionsT())


def _mean(writer, name, source, shape, axes):
    """The mean over axes, which stay with size 1."""
    options = schema.ReducerOptionsT()
    options.keepDims = True
    kept = [1 if n + 1 in axes else size for n, size in enumerate(shape)]
    axes = writer.constant(f"{name}/axes", np.array(axes, "int32"))
    return writer.step(name, "MEAN", [source, axes], kept, options), kept


def _centred(writer, name, node, axes):
    """What a node reads with mean 0 over axes, the variance, its shape."""
    shape, (source,) = writer.shapes[name], writer.read(node)
    mean, kept = _mean(writer, f"{name}/mean", source, shape, axes)
    inputs, options = [source, mean], schema.SubOptionsT()
    centred = writer.step(f"{name}/centred", "SUB", inputs, shape, options)
    inputs, options = [centred, centred], schema.MulOptionsT()
    squares = writer.step(f"{name}/squares", "MUL", inputs, shape, options)
    variance, _ = _mean(writer, f"{name}/variance", squares, shape, axes)
    return centred, variance, kept


def _group_norm(writer, name, node):
    axes = (1, 2, 3) if node.options["groups"] == 1 else (1, 2)
    centred, variance, kept = _centred(writer, name, node, axes)
    epsilon = np.array([node.options["epsilon"]], "float32")
    inputs = [variance, writer.constant(f"{name}/epsilon", epsilon)]
    options = schema.AddOptionsT()
    above = writer.step(f"{name}/above", "ADD", inputs, kept, options)
    root = writer.step(f"{name}/root", "RSQRT", [above], kept)
    inputs = [centred, root]
    shape, options = writer.shapes[name], schema.MulOptionsT()
    scaled = writer.step(f"{name}/normalized", "MUL", inputs, shape, options)
    inputs = [scaled, writer.weight(f"{name}/gamma", node.weights["gamma"])]
    scaled = writer.step(f"{name}/scaled", "MUL", inputs, shape, options)
    inputs = [scaled, writer.weight(f"{name}/beta", node.weights["beta"])]
    writer.result(name, "ADD", inputs, schema.AddOptionsT())


def _standardize(writer, name, node):
    """TensorFlow's: the deviation is at least 1 / sqrt(number of pixels)."""
    centred, variance, kept = _centred(writer, name, node, (1, 2, 3))
    root = writer.step(f"{name}/root", "SQRT", [variance], kept)
    least = np.array([1 / np.sqrt(np.prod(writer.shapes[name]))], "float32")
    inputs = [root, writer.constant(f"{name}/least", least)]
    options = schema.MaximumMinimumOptionsT()
    bound = writer.step(f"{name}/deviation", "MAXIMUM", inputs, kept, options)
    writer.result(name, "DIV", [centred, bound], schema.DivOptionsT())


def _global_pool(code):
    def write(writer, name, node):
        options = schema.ReducerOptionsT()
        options.keepDims = node.options.get("keepdims", False)
        axes = writer.constant(f"{name}/axes", np.array([1, 2], "int32"))
        writer.result(name, code, [*writer.read(node), axes], options)

    return write


def _cast(writer, name, node):
    options = schema.CastOptionsT()
    options.inDataType = schema.TensorType.UINT8
    options.outDataType = schema.TensorType.FLOAT32
    writer.result(name, "CAST", writer.read(node), options)


def _softmax_options():
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    return options


def _silu(writer, name, node):
    """A number times its sigmoid, for LiteRT has no operation for it."""
    (read,), shape = writer.read(node), writer.shapes[name]
    gate = writer.step(f"{name}/sigmoid", "LOGISTIC", [read], shape)
    writer.result(name, "MUL", [read, gate], schema.MulOptionsT())


def _hard_sigmoid(writer, name, node):
    """A sixth of the ReLU6 of a number and 3."""
    (read,), shape = writer.read(node), writer.shapes[name]
    options = schema.AddOptionsT()
    options.fusedActivationFunction = FUSED["relu6"]
    three = writer.weight("three", np.array([3.0]))
    inputs = [read, three]
    cut = writer.step(f"{name}/relu6", "ADD", inputs, shape, options)
    sixth = writer.weight("sixth", np.array([1 / 6]))
    writer.result(name, "MUL", [cut, sixth], schema.MulOptionsT())


COMPOSED = {"silu": _silu, "hard_sigmoid": _hard_sigmoid}
ACTIVATIONS = {
    "softmax": ("SOFTMAX", _softmax_options),
    "sigmoid": ("LOGISTIC", lambda: None),
    "tanh": ("TANH", lambda: None),
    "relu6": ("RELU6", lambda: None),
    "hard_silu": ("HARD_SWISH", schema.HardSwishOptionsT),
}


def _activation(writer, name, node):
    function = node.options["function"]
    if function in COMPOSED:
        COMPOSED[function](writer, name, node)
        return
    if function not in ACTIVATIONS:
        known = ", ".join((*ACTIVATIONS, *COMPOSED))
        raise InputError(
            f"model: {name} is the activation {function!r}, which export to "
            f"LiteRT does not know; it knows {known}"
        )
    code, options = ACTIVATIONS[function]
    writer.result(name, code, writer.read(node), options())


OPERATIONS = {
    "conv": _conv,
    "depthwise_conv": _depthwise_conv,
    "dense": _dense,
    "max_pool": _pool("MAX_POOL_2D"),
    "average_pool": _pool("AVERAGE_POOL_2D"),
    "add": _add,
    "multiply": _multiply,
    "reshape": _reshape,
    "relu": _relu,
    "concat": _concat,
    "pad": _pad,
    "slice": _slice,
    "affine": _affine,
    "group_norm": _group_norm,
    "scale_positions": _scale_positions,
    "standardize": _standardize,
    "global_average_pool": _global_pool("MEAN"),
    "global_max_pool": _global_pool("REDUCE_MAX"),
    "cast": _cast,
    "activation": _activation,
}
