"""Batch normalization that uses TensorFlow's fused kernel.

The only backend-specific file of the zoo: on JAX and torch this is
`keras.layers.BatchNormalization` unchanged.
"""

import keras
from keras import ops

# TensorFlow's kernel has no float64.
FUSED_DTYPES = ("float16", "bfloat16", "float32")


@keras.saving.register_keras_serializable("nasnet_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, fused on TensorFlow.

    One kernel instead of about ten operations, which TensorFlow also fuses
    with the convolution before it at inference. Numbers, variables and
    configuration are those of the Keras layer: the moving variance averages
    the biased variance, where TensorFlow's own layers average the unbiased
    one.

    Args:
        **kwargs: as for `keras.layers.BatchNormalization`. Whatever the
            fused kernel cannot do (masks, `synchronized`, renorm, another
            axis, float64, less than 4 dimensions) takes Keras's own path.
    """

    def call(self, inputs, training=None, mask=None):
        if mask is not None or not can_fuse(self, inputs):
            return super().call(inputs, training=training, mask=mask)
        if not (training and self.trainable):
            return fused(
                self,
                inputs,
                self.moving_mean.value,
                self.moving_variance.value,
            )[0]
        outputs, mean, variance = fused(self, inputs)
        self._average(self.moving_mean, mean)
        self._average(self.moving_variance, variance)
        return outputs

    def _average(self, moving, value):
        kept = moving.value * self.momentum
        moving.assign(kept + value * (1.0 - self.momentum))


def normalized_by_batch(norm, inputs) -> tuple:
    """What a batch norm returns in training; its statistics do not move.

    Args:
        norm: this module's layer, or Keras's.
        inputs: of the layer.

    Returns:
        The outputs, and the mean and the biased variance of each channel.
    """
    if can_fuse(norm, inputs):
        return fused(norm, inputs)
    # Sums in half precision would be coarse.
    double = keras.backend.standardize_dtype(inputs.dtype) == "float64"
    x = ops.cast(inputs, "float64" if double else "float32")
    axis = norm.axis % len(inputs.shape)
    others = [n for n in range(len(inputs.shape)) if n != axis]
    mean, variance = ops.moments(x, others, synchronized=norm.synchronized)
    outputs = ops.batch_normalization(
        x,
        mean,
        variance,
        axis,
        offset=norm.beta,
        scale=norm.gamma,
        epsilon=norm.epsilon,
    )
    return ops.cast(outputs, norm.compute_dtype), mean, variance


def can_fuse(norm, inputs) -> bool:
    """Whether TensorFlow's kernel does what a batch norm is to do."""
    return (
        keras.backend.backend() == "tensorflow"
        and norm.scale
        and norm.center
        and not norm.synchronized
        and not norm.renorm
        and len(inputs.shape) == 4
        and norm.axis in (-1, 3)
        and keras.backend.standardize_dtype(inputs.dtype) in FUSED_DTYPES
    )


def fused(norm, inputs, mean=None, variance=None) -> tuple:
    """Outputs, mean and biased variance, by TensorFlow's kernel.

    Args:
        norm: whose scale, offset and epsilon count.
        inputs: `(batch, height, width, channels)`.
        mean: to normalise by; None: the batch's, and so `variance`.
        variance: see `mean`.
    """
    # JAX and torch never come here, and do without it.
    import tensorflow as tf

    by_batch = mean is None
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=norm.gamma.value,
        offset=norm.beta.value,
        # The kernel wants these empty where it finds its own.
        mean=[] if by_batch else mean,
        variance=[] if by_batch else variance,
        epsilon=norm.epsilon,
        is_training=by_batch,
    )
    if by_batch:
        size = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        # The kernel returns the variance with Bessel's correction, except of a
        # single value, where it is 0.
        variance = variance * tf.maximum(size - 1.0, 1.0) / size
    return outputs, mean, variance
