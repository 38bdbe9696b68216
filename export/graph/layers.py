"""What Keras's layers and operations are in a `Graph`.

Each function adds the nodes of one call and returns the name of the last:
`make(graph, inputs, parts)`, where `inputs` are the names of the nodes read.
"""

import keras
import numpy as np
from keras import layers

from export.graph import arithmetic, pixels
from export.graph.parts import value_of
from nasnet_tf.checks.errors import InputError


def _pair(value):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * 2


def _weights(**variables):
    return {k: value_of(v) for k, v in variables.items() if v is not None}


def _activation(graph, layer, name):
    """The activation that a layer ends with, as a node of its own."""
    function = getattr(layer.activation, "__name__", "?")
    # By identity: a function of one's own may have a name of Keras's.
    if getattr(keras.activations, function, None) is not layer.activation:
        raise InputError(
            f"model: {layer.name} ends in an activation of your own, "
            f"{function}, which export does not know"
        )
    if function == "linear":
        return name
    return _function(graph, f"{name}_{function}", [name], function)


def _function(graph, name, inputs, function):
    if function == "relu":
        return graph.add(name, "relu", inputs)
    options = {"function": function}
    return graph.add(name, "activation", inputs, options=options)


def _check_format(layer):
    if layer.data_format != "channels_last":
        raise InputError(
            f"model: {layer.name} is channels_first; build it channels_last"
        )
    if getattr(layer, "groups", 1) != 1:
        raise InputError(
            f"model: {layer.name} is a convolution in groups, which export "
            "does not know"
        )


def _window(layer):
    _check_format(layer)
    return {
        "strides": _pair(layer.strides),
        "padding": layer.padding,
        "dilation": _pair(getattr(layer, "dilation_rate", 1)),
    }


def _conv(graph, inputs, parts):
    name = graph.add(
        parts.name,
        "conv",
        inputs,
        options=_window(parts.layer),
        weights=_weights(kernel=parts.layer.kernel, bias=parts.layer.bias),
    )
    return _activation(graph, parts.layer, name)


def _per_channel(graph, name, inputs, options, kernel, bias=None):
    """A depthwise convolution of any multiplier."""
    if kernel.shape[-1] != 1:
        raise InputError(
            f"model: {name} has a depth multiplier of {kernel.shape[-1]}; "
            "export knows 1"
        )
    weights = {"kernel": kernel}
    if bias is not None:
        weights["bias"] = bias
    return graph.add(
        name, "depthwise_conv", inputs, options=options, weights=weights
    )


def _depthwise_conv(graph, inputs, parts):
    bias = None if parts.layer.bias is None else value_of(parts.layer.bias)
    name = _per_channel(
        graph,
        parts.name,
        inputs,
        _window(parts.layer),
        value_of(parts.layer.kernel),
        bias,
    )
    return _activation(graph, parts.layer, name)


def _separable_conv(graph, inputs, parts):
    depthwise = _per_channel(
        graph,
        f"{parts.name}_depthwise",
        inputs,
        _window(parts.layer),
        value_of(parts.layer.depthwise_kernel),
    )
    name = graph.add(
        f"{parts.name}_pointwise",
        "conv",
        [depthwise],
        options={"strides": (1, 1), "padding": "valid", "dilation": (1, 1)},
        weights=_weights(
            kernel=parts.layer.pointwise_kernel, bias=parts.layer.bias
        ),
    )
    return _activation(graph, parts.layer, name)


def _batch_norm(graph, inputs, parts):
    if parts.layer.axis not in (-1, 3):
        raise InputError(
            f"model: {parts.name} normalises axis {parts.layer.axis}, not "
            "the last"
        )
    # In float64, so that the result is rounded once.
    variance = np.float64(value_of(parts.layer.moving_variance))
    scale = 1 / np.sqrt(variance + parts.layer.epsilon)
    if parts.layer.gamma is not None:
        scale = scale * value_of(parts.layer.gamma)
    offset = -value_of(parts.layer.moving_mean) * scale
    if parts.layer.beta is not None:
        offset = offset + value_of(parts.layer.beta)
    weights = {"scale": scale, "offset": offset}
    weights = {k: v.astype("float32") for k, v in weights.items()}
    return graph.add(parts.name, "affine", inputs, weights=weights)


def _group_norm(graph, inputs, parts):
    shape = parts.tensors[0].shape
    if len(shape) != 4 or parts.layer.axis not in (-1, 3):
        raise InputError(
            f"model: {parts.name} normalises other than the channels of a "
            "feature map, which export does not know"
        )
    channels = shape[-1]
    groups = -1 if parts.layer.groups in (-1, channels) else parts.layer.groups
    if groups not in (1, -1):
        raise InputError(
            f"model: {parts.name} has {groups} groups; export knows 1 and one "
            "for each channel"
        )
    ones, zeros = np.ones(channels, "f4"), np.zeros(channels, "f4")
    gamma = ones if parts.layer.gamma is None else value_of(parts.layer.gamma)
    beta = zeros if parts.layer.beta is None else value_of(parts.layer.beta)
    return graph.add(
        parts.name,
        "group_norm",
        inputs,
        options={"groups": groups, "epsilon": float(parts.layer.epsilon)},
        weights={"gamma": gamma, "beta": beta},
    )


def _relu_layer(graph, inputs, parts):
    highest = parts.layer.max_value
    plain = not parts.layer.negative_slope and not parts.layer.threshold
    if highest not in (None, 6) or not plain:
        raise InputError(
            f"model: {parts.name} is neither the plain ReLU nor ReLU6, which "
            "export knows"
        )
    function = "relu" if highest is None else "relu6"
    return _function(graph, parts.name, inputs, function)


def _softmax_layer(graph, inputs, parts):
    if parts.layer.axis not in (-1, len(parts.shape)) or len(inputs) > 1:
        raise InputError(
            f"model: {parts.name} is a softmax of other things than the last "
            "axis, which export does not know"
        )
    return _function(graph, parts.name, inputs, "softmax")


def _function_operation(function):
    def make(graph, inputs, parts):
        return _function(graph, parts.name, inputs, function)

    return make


def _activation_layer(graph, inputs, parts):
    return _activation(graph, parts.layer, inputs[0])


def _dense(graph, inputs, parts):
    if len(parts.tensors[0].shape) != 2:
        raise InputError(
            f"model: {parts.name} is a Dense layer on a feature map; make it "
            "a 1x1 convolution"
        )
    if parts.layer.quantization_mode:
        raise InputError(
            f"model: {parts.name} is quantised "
            f"({parts.layer.quantization_mode}); export the model that it was "
            "made of, with --quantize"
        )
    name = graph.add(
        parts.name,
        "dense",
        inputs,
        weights=_weights(kernel=parts.layer.kernel, bias=parts.layer.bias),
    )
    return _activation(graph, parts.layer, name)


def _pool_layer(op):
    def make(graph, inputs, parts):
        _check_format(parts.layer)
        options = {
            "size": _pair(parts.layer.pool_size),
            "strides": _pair(parts.layer.strides),
            "padding": parts.layer.padding,
        }
        return graph.add(parts.name, op, inputs, options=options)

    return make


def _pool(op):
    def make(graph, inputs, parts):
        _check_format(parts.layer)
        strides = parts.layer.strides or parts.layer.pool_size
        options = {
            "size": _pair(parts.layer.pool_size),
            "strides": _pair(strides),
            "padding": parts.layer.padding,
        }
        return graph.add(parts.name, op, inputs, options=options)

    return make


def _plain(op):
    def make(graph, inputs, parts):
        return graph.add(parts.name, op, inputs)

    return make


def _concat(graph, inputs, parts):
    if parts.layer.axis not in (-1, len(parts.tensors[0].shape) - 1):
        raise InputError(
            f"model: {parts.name} concatenates axis {parts.layer.axis}, "
            "not channels"
        )
    return graph.add(parts.name, "concat", inputs)


def _pad_layer(graph, inputs, parts):
    _check_format(parts.layer)
    pads = tuple(tuple(p) for p in parts.layer.padding)
    return graph.add(parts.name, "pad", inputs, options={"pads": pads})


def _pad(graph, inputs, parts):
    batch, rows, columns, channels = parts.layer.pad_width
    filled = parts.arguments.kwargs.get("constant_values")
    if len(parts.arguments.args) > 1:
        filled = parts.arguments.args[1]
    plain = parts.layer.mode == "constant" and not filled
    if not plain or any((*batch, *channels)):
        raise InputError(
            f"model: {parts.name} pads other than with rows and columns "
            "of zeros, which export does not know"
        )
    pads = (tuple(rows), tuple(columns))
    return graph.add(parts.name, "pad", inputs, options={"pads": pads})


def _cropping(graph, inputs, parts):
    _check_format(parts.layer)
    (top, bottom), (left, right) = parts.layer.cropping
    height, width = parts.tensors[0].shape[1:3]
    size = (height - top - bottom, width - left - right)
    options = {"begin": (top, left), "size": size}
    return graph.add(parts.name, "slice", inputs, options=options)


def _get_item(graph, inputs, parts):
    key = parts.arguments.args[1]
    shape = parts.tensors[0].shape
    if pixels.is_channel(key, shape):
        return pixels.channel(graph, inputs, parts)
    if not isinstance(key, tuple) or len(key) > len(shape) or len(shape) != 4:
        raise InputError(
            f"model: {parts.name} indexes with {key!r}, which export does not "
            "know"
        )
    key = (*key, *[slice(None)] * (4 - len(key)))
    begin, size = [], []
    for axis, part in enumerate(key):
        if not isinstance(part, slice) or part.step not in (None, 1):
            raise InputError(
                f"model: {parts.name} indexes with {part!r}, which export "
                "does not know"
            )
        if axis in (1, 2):
            first, last, _ = part.indices(shape[axis])
            begin.append(first)
            size.append(last - first)
        elif part not in (slice(None), slice(None, None, 1)):
            raise InputError(
                f"model: {parts.name} cuts another axis than rows and "
                "columns, which export does not know"
            )
    options = {"begin": tuple(begin), "size": tuple(size)}
    return graph.add(parts.name, "slice", inputs, options=options)


def _global_pool(op):
    def make(graph, inputs, parts):
        _check_format(parts.layer)
        options = {"keepdims": bool(parts.layer.keepdims)}
        return graph.add(parts.name, op, inputs, options=options)

    return make


def _reshape(graph, inputs, parts):
    if getattr(parts.layer, "data_format", None) == "channels_first":
        _check_format(parts.layer)
    before = tuple(parts.tensors[0].shape[1:])
    if None in (*before, *parts.shape) or np.prod(before) != np.prod(
        parts.shape
    ):
        raise InputError(
            f"model: {parts.name} makes {parts.shape} of {before}, which "
            "export does not know; it knows other shapes of one image"
        )
    options = {"shape": parts.shape}
    return graph.add(parts.name, "reshape", inputs, options=options)


def _cast(graph, inputs, parts):
    if keras.backend.standardize_dtype(parts.layer.dtype) != "float32":
        raise InputError(
            f"model: {parts.name} converts to {parts.layer.dtype}, which "
            "export does not know; it knows float32"
        )
    return inputs[0]


def _nothing(graph, inputs, parts):
    return inputs[0]


# In order: a layer is what the first one that it is an instance of says.
LAYERS = {
    layers.SeparableConv2D: _separable_conv,
    layers.DepthwiseConv2D: _depthwise_conv,
    layers.Conv2DTranspose: None,
    layers.Conv2D: _conv,
    layers.BatchNormalization: _batch_norm,
    layers.GroupNormalization: _group_norm,
    layers.ReLU: _relu_layer,
    layers.Activation: _activation_layer,
    layers.Softmax: _softmax_layer,
    layers.Add: arithmetic.add,
    layers.Multiply: arithmetic.multiply,
    layers.Rescaling: arithmetic.rescaling,
    layers.Normalization: arithmetic.normalization,
    layers.Reshape: _reshape,
    layers.Flatten: _reshape,
    layers.Concatenate: _concat,
    layers.MaxPooling2D: _pool_layer("max_pool"),
    layers.AveragePooling2D: _pool_layer("average_pool"),
    layers.GlobalAveragePooling2D: _global_pool("global_average_pool"),
    layers.GlobalMaxPooling2D: _global_pool("global_max_pool"),
    layers.ZeroPadding2D: _pad_layer,
    layers.Cropping2D: _cropping,
    layers.Dense: _dense,
    layers.Dropout: _nothing,
}
# By the name of the class of `keras.ops` that a call of it becomes.
OPERATIONS = {
    "Relu": _plain("relu"),
    "ReLU": _relu_layer,
    "Relu6": _function_operation("relu6"),
    "Sigmoid": _function_operation("sigmoid"),
    "Silu": _function_operation("silu"),
    "HardSigmoid": _function_operation("hard_sigmoid"),
    "HardSilu": _function_operation("hard_silu"),
    "Tanh": _function_operation("tanh"),
    "Softmax": _softmax_layer,
    "Add": arithmetic.add,
    "Subtract": arithmetic.subtract,
    "Multiply": arithmetic.multiply,
    "TrueDivide": arithmetic.divide,
    "Divide": arithmetic.divide,
    "Mean": pixels.mean,
    "Std": pixels.deviation,
    "Maximum": pixels.maximum,
    "Stack": pixels.stack,
    "Reshape": _reshape,
    "Cast": _cast,
    "Concatenate": _concat,
    "MaxPool": _pool("max_pool"),
    "AveragePool": _pool("average_pool"),
    "Pad": _pad,
    "GetItem": _get_item,
    "ConvertToTensor": _nothing,
}
