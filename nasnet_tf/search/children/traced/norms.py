"""Normalisations on values, with their gradients.

The numbers are those of `nasnet_tf.layers.batch_normalization` and of Keras's
`GroupNormalization`.
"""

import tensorflow as tf

from nasnet_tf.layers.cell import NORM_EPSILON
from nasnet_tf.search.config import BATCH_NORM_EPSILON

_AXES = (0, 1, 2)


def batch_norm(x, gamma, beta):
    """Normalises by the statistics of the batch.

    Returns:
        The result, `(mean, biased variance)`, and two vectors for
        `batch_norm_gradients`.
    """
    if x.dtype == tf.float64:  # The fused kernel has none.
        mean, variance = tf.nn.moments(x, _AXES)
        y = _normalized(x, gamma, beta, mean, variance, BATCH_NORM_EPSILON)
        return y, (mean, variance), (mean, variance)
    y, mean, variance, *saved, _ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma,
        offset=beta,
        mean=[],
        variance=[],
        epsilon=BATCH_NORM_EPSILON,
        is_training=True,
    )
    size = tf.cast(tf.size(x) // tf.shape(x)[-1], tf.float32)
    # Without Bessel's correction, which a single value does not get.
    biased = variance * tf.maximum(size - 1.0, 1.0) / size
    return y, (mean, biased), saved


def batch_norm_gradients(dy, x, gamma, saved):
    """Gradients with respect to x, gamma and beta."""
    if x.dtype == tf.float64:
        return _gradients(
            lambda x, gamma, beta: batch_norm(x, gamma, beta)[0],
            (x, gamma, tf.zeros_like(gamma)),
            dy,
        )
    return tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=dy,
        x=x,
        scale=gamma,
        reserve_space_1=saved[0],
        reserve_space_2=saved[1],
        reserve_space_3=[],
        epsilon=BATCH_NORM_EPSILON,
        is_training=True,
    )[:3]


def moving_batch_norm(x, gamma, beta, mean, variance):
    """Normalises by the moving statistics."""
    if x.dtype == tf.float64:
        return _normalized(x, gamma, beta, mean, variance, BATCH_NORM_EPSILON)
    return tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma,
        offset=beta,
        mean=mean,
        variance=variance,
        epsilon=BATCH_NORM_EPSILON,
        is_training=False,
    )[0]


def group_norm(x, gamma, beta, combiner: str):
    """The norm after an add: `"add_layer_norm"` or `"add_instance_norm"`."""
    axes = (1, 2, 3) if combiner == "add_layer_norm" else (1, 2)
    mean, variance = tf.nn.moments(x, axes, keepdims=True)
    return _normalized(x, gamma, beta, mean, variance, NORM_EPSILON)


def group_norm_gradients(dy, x, gamma, combiner: str):
    """Gradients with respect to x, gamma and beta."""
    return _gradients(
        lambda x, gamma, beta: group_norm(x, gamma, beta, combiner),
        # No gradient depends on what beta is.
        (x, gamma, tf.zeros_like(gamma)),
        dy,
    )


def _normalized(x, gamma, beta, mean, variance, epsilon):
    scale = tf.math.rsqrt(variance + epsilon) * gamma
    return x * scale + (beta - mean * scale)


def _gradients(function, arguments, dy):
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        y = function(*arguments)
    return tape.gradient(y, arguments, output_gradients=dy)
