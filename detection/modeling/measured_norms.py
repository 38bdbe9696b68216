"""The batch norms of a detector, normalising by their batch and measured.

A detector has two kinds: Keras 3's in the backbone, tf_keras's in the parts
that are Model Garden's. See `nasnet_tf.networks.batch_norm_statistics`.
"""

import contextlib
import functools

import tensorflow as tf
import tf_keras

from detection.modeling.keras3_model import Keras3Model
from nasnet_tf.networks import batch_norm_statistics

_TF_KERAS_NORMS = (
    tf_keras.layers.BatchNormalization,
    tf_keras.layers.experimental.SyncBatchNormalization,
)


def trained_norms(model: tf_keras.Model) -> list:
    """The batch norms of a detector that are trained, of both kinds."""
    wrapped = [
        norm for wrapper in _wrappers(model) for norm in wrapper.trained_norms()
    ]
    return wrapped + _tf_keras_norms(model)


@contextlib.contextmanager
def measured_batch_norms(model: tf_keras.Model):
    """Inside, trained batch norms normalise by their batch and record it.

    Without a change of their moving statistics; drop path and dropout of the
    backbone are off. It holds for calls inside, also those that are traced.

    Yields:
        A function of no arguments: the means and the mean squares of the last
        call, as two vectors of float64 in the order of `trained_norms`.
    """
    with contextlib.ExitStack() as stack:
        found = [
            (wrapper, stack.enter_context(wrapper.measured_batch_norms()))
            for wrapper in _wrappers(model)
        ]
        norms = _tf_keras_norms(model)
        recorded: dict[int, tuple] = {}
        for norm in norms:
            # Past tf_keras, which tracks what is set.
            call = functools.partial(_call_by_batch, norm, recorded)
            object.__setattr__(norm, "call", call)
            stack.callback(object.__delattr__, norm, "call")

        def flat():
            pairs = [
                statistics[norm]
                for wrapper, statistics in found
                for norm in wrapper.trained_norms()
            ]
            pairs += [recorded[id(norm)] for norm in norms]
            # In float32 a variance would drown in a large mean.
            pairs = [
                (tf.cast(mean, "float64"), tf.cast(variance, "float64"))
                for mean, variance in pairs
            ]
            return (
                tf.concat([mean for mean, _ in pairs], axis=0),
                tf.concat([v + tf.square(mean) for mean, v in pairs], axis=0),
            )

        yield flat


def assign(model: tf_keras.Model, means, variances) -> None:
    """Sets the moving statistics, in the order of `trained_norms`."""
    for norm, mean, variance in batch_norm_statistics.by_layer(
        trained_norms(model), means, variances
    ):
        norm.moving_mean.assign(mean.astype("float32"))
        norm.moving_variance.assign(variance.astype("float32"))


def _wrappers(model):
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, Keras3Model)
    ]


def _tf_keras_norms(model):
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, _TF_KERAS_NORMS) and layer.trainable
    ]


# AutoGraph has nothing to convert here.
@tf.autograph.experimental.do_not_convert
def _call_by_batch(norm, recorded, inputs, training=None, mask=None):
    del training, mask
    values = tf.cast(inputs, tf.float32)
    mean, variance = tf.nn.moments(values, list(range(len(inputs.shape) - 1)))
    recorded[id(norm)] = mean, variance
    outputs = tf.nn.batch_normalization(
        values, mean, variance, norm.beta, norm.gamma, norm.epsilon
    )
    return tf.cast(outputs, inputs.dtype)
