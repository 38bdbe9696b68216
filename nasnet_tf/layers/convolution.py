"""The convolution and the batch norm that every part of a cell uses."""

import math

import keras
from keras import ops

from nasnet_tf.layers.batch_normalization import BatchNormalization


def _initializer():
    # Slim's. A fan-out also suits depthwise kernels, whose fan-in Keras counts
    # over all channels though each output sees one. A new object each time:
    # a Keras initializer gives the same values whenever it is called.
    return keras.initializers.VarianceScaling(2.0, "fan_out")


def conv(filters, kernel_size, strides=1, **kwargs):
    """A convolution without bias; SAME unless told."""
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=kwargs.pop("padding", "same"),
        use_bias=False,
        kernel_initializer=_initializer(),
        data_format="channels_last",
        **kwargs,
    )


def dilated_conv(filters, kernel_size, strides=1, **kwargs):
    """A convolution with dilation 2."""
    return conv(filters, kernel_size, strides, dilation_rate=2, **kwargs)


def separable_conv(filters, kernel_size, strides=1, **kwargs):
    """A SAME depthwise-separable convolution, nothing between its halves."""
    return keras.layers.SeparableConv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        depthwise_initializer=_initializer(),
        pointwise_initializer=_initializer(),
        data_format="channels_last",
        **kwargs,
    )


def batch_norm(options, **kwargs):
    """The batch norm after a convolution."""
    return BatchNormalization(axis=-1, **options, **kwargs)


def conv_norm(layer, norm, x, training):
    """Applies a convolution and its batch norm.

    At inference, where a map has at least as many positions as the kernel has
    inputs, the kernel is scaled instead of the map: fewer numbers to touch,
    and TensorFlow runs convolution, offset and the next ReLU as one kernel.
    """
    if training or not _folding_pays(layer, x):
        return norm(layer(x), training=training)
    scale = norm.gamma * ops.rsqrt(norm.moving_variance + norm.epsilon)
    offset = norm.beta - norm.moving_mean * scale
    strides = layer.strides
    if isinstance(layer, keras.layers.SeparableConv2D):
        x = ops.depthwise_conv(
            x,
            layer.depthwise_kernel,
            strides,
            layer.padding,
            layer.data_format,
        )
        kernel, strides = layer.pointwise_kernel, 1
    else:
        kernel = layer.kernel
    x = ops.conv(
        x,
        kernel * scale,
        strides,
        layer.padding,
        layer.data_format,
        layer.dilation_rate,
    )
    return x + offset


def _folding_pays(layer, x):
    _, height, width, _ = layer.compute_output_shape(x.shape)
    return (
        layer.compute_dtype == "float32"
        and None not in (height, width)
        and height * width >= x.shape[-1]
    )


def halved(shape, strides=2):
    """The shape of what SAME layers with `strides` make of `shape`."""
    batch, *size, channels = shape
    size = [None if n is None else -(-n // strides) for n in size]
    return (batch, *size, channels)


def mult_adds(layer, input_shape):
    """Multiply-adds of one image through a convolution; 0 for other layers."""
    shape = layer.compute_output_shape(input_shape)
    positions = shape[1] * shape[2]
    if isinstance(layer, keras.layers.SeparableConv2D):
        channels, taps = input_shape[-1], math.prod(layer.kernel_size)
        return positions * channels * (taps + layer.filters)
    if isinstance(layer, keras.layers.Conv2D):
        taps = math.prod(layer.kernel_size)
        return positions * input_shape[-1] * taps * layer.filters
    return 0
