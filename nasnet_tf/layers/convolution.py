"""The convolution and the batch norm that every part of a cell uses."""

import math

import keras

from nasnet_tf.layers.batch_normalization import BatchNormalization


def _initializer():
    # Slim's. A fan-out also suits depthwise kernels, whose fan-in Keras counts
    # over all channels though each output sees one. A new object each time:
    # a Keras initializer gives the same values whenever it is called.
    return keras.initializers.VarianceScaling(2.0, "fan_out")


def conv(filters, kernel_size, strides=1, **kwargs):
    """A convolution; SAME and without bias unless told."""
    return keras.layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=kwargs.pop("padding", "same"),
        use_bias=kwargs.pop("use_bias", False),
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
        use_bias=kwargs.pop("use_bias", False),
        depthwise_initializer=_initializer(),
        pointwise_initializer=_initializer(),
        data_format="channels_last",
        **kwargs,
    )


def batch_norm(options, **kwargs):
    """The batch norm after a convolution."""
    return BatchNormalization(axis=-1, **options, **kwargs)


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
