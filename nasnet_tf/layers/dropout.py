"""Dropout whose draws a training step decides."""

import keras

from nasnet_tf.layers.drop_path import StatelessSeed, current_scope

# Keeps its draws apart from those of drop path at the same step and seed.
_OWN_DRAWS = 7_919


@keras.saving.register_keras_serializable("nasnet_tf")
class Dropout(keras.layers.Dropout):
    """`keras.layers.Dropout`, in a `drop_path_scope` a function of its step.

    There a run that is resumed draws what it would have drawn, and replicas
    draw different masks. Elsewhere it is Keras's layer.
    """

    def call(self, inputs, training=False):
        scope = current_scope()
        if not training or not self.rate or scope is None:
            return super().call(inputs, training=training)
        step, seed = scope
        return keras.random.dropout(
            inputs, self.rate, seed=StatelessSeed(seed + _OWN_DRAWS, step)
        )
