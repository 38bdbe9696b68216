"""Batch normalization that uses TensorFlow's fused kernel.

The only backend-specific file of the zoo: on JAX and torch this is
`keras.layers.BatchNormalization` unchanged.
"""

import keras

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
        if keras.backend.backend() != "tensorflow" or not self._can_fuse(
            inputs, mask
        ):
            return super().call(inputs, training=training, mask=mask)
        return self._fused(inputs, bool(training) and self.trainable)

    def _can_fuse(self, inputs, mask):
        return (
            mask is None
            and self.scale
            and self.center
            and not self.synchronized
            and not self.renorm
            and len(inputs.shape) == 4
            and self.axis in (-1, 3)
            and keras.backend.standardize_dtype(inputs.dtype) in FUSED_DTYPES
        )

    def _fused(self, inputs, training):
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma.value,
            offset=self.beta.value,
            # The kernel wants these empty, or unused, when it trains.
            mean=[] if training else self.moving_mean.value,
            variance=[] if training else self.moving_variance.value,
            epsilon=self.epsilon,
            is_training=training,
        )
        if training:
            size = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
            # The kernel returns the variance with Bessel's correction, except
            # of a single value, where it is 0.
            biased = variance * tf.maximum(size - 1.0, 1.0) / size
            self._average(self.moving_mean, mean)
            self._average(self.moving_variance, biased)
        return outputs

    def _average(self, moving, value):
        kept = moving.value * self.momentum
        moving.assign(kept + value * (1.0 - self.momentum))
