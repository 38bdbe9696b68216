"""A Keras 3 model inside a model of tf_keras, which Model Garden is built on.

tf_keras calls a Keras 3 layer without complaint and sees none of its weights.
The wrapper shows them to it: they are trained, saved, restored, regularised,
frozen and mirrored as those of its own layers.
"""

import contextlib
from collections.abc import Callable

import keras
import tensorflow as tf
import tf_keras

from nasnet_tf import drop_path_scope
from nasnet_tf.networks.batch_norm_statistics import (
    measured_batch_norms,
    trained_norms,
)
from nasnet_tf.networks.variables import named_variables
from nasnet_tf.training.strategy import network_scope

# Keeps the draws of replicas apart; their seeds are sums in int32.
_REPLICA_STRIDE = 1_000_003


class Keras3Model(tf_keras.Model):
    """Wraps a functional Keras 3 model.

    Args:
        build: makes the model, in the scope of the current strategy. Its
            batch-norm statistics belong to a replica each and are averaged
            where they are read outside, in a checkpoint for instance.
        regularizer: a tf_keras regularizer of all kernels, or None.
        freeze_batch_norm: whether batch norm uses its moving statistics in
            training too and keeps scale, offset and statistics as they are.
        draws: whether the model has drop path or dropout. What is dropped is
            then a function of the training calls so far, `seed` and replica.
        seed: of these draws.
        name: of the wrapper.

    Call: `(inputs, training=None)`; inside a call of another tf_keras model
    `training` is that model's.
    """

    def __init__(
        self,
        build: Callable[[], keras.Model],
        regularizer=None,
        freeze_batch_norm: bool = False,
        draws: bool = False,
        seed: int = 0,
        name: str | None = None,
    ):
        super().__init__(name=name)
        with network_scope(tf.distribute.get_strategy()):
            model = build()
            if draws:
                self._calls = tf.Variable(
                    0, trainable=False, dtype=tf.int32, name="training_calls"
                )
        self._draws = draws
        self._seed = seed
        self._freeze_batch_norm = freeze_batch_norm
        # Past tf_keras, which would track it as a layer without weights.
        object.__setattr__(self, "keras3_model", model)
        object.__setattr__(self, "_synced", None)
        object.__setattr__(self, "_measuring", False)
        # By names that are the same in every model; `variable.path` has
        # prefixes that a reloaded file loses. tf_keras sorts the values of a
        # dict into trainable and not.
        self.variables_by_name = {
            name: variable.value
            for name, variable in named_variables(model).items()
        }
        frozen = _batch_norms(model) if freeze_batch_norm else []
        # Ids: variables compare by value.
        object.__setattr__(
            self,
            "_frozen",
            {id(weight.value) for norm in frozen for weight in norm.weights},
        )
        if regularizer is not None:
            self._regularize(regularizer)

    # Keras 3 needs no AutoGraph, which takes seconds to read its code.
    @tf.autograph.experimental.do_not_convert
    def call(self, inputs, training=None):
        if training is None:
            training = tf_keras.backend.learning_phase()
        self._sync_trainable()
        if self._measuring:
            return self.keras3_model(inputs, training=False)
        if not (self._draws and training):
            return self.keras3_model(inputs, training=bool(training))
        # A copy: the variable would be read after it is assigned.
        step = self._calls + 0
        self._calls.assign_add(1)
        with drop_path_scope(step, self._replica_seed()):
            return self.keras3_model(inputs, training=True)

    @property
    def trainable_weights(self):
        return [
            weight
            for weight in super().trainable_weights
            if id(weight) not in self._frozen
        ]

    @property
    def non_trainable_weights(self):
        held = super().non_trainable_weights
        if not self.trainable:
            return held
        return held + [
            weight
            for weight in super().trainable_weights
            if id(weight) in self._frozen
        ]

    @property
    def output_specs(self) -> dict[str, tf.TensorShape]:
        """Shapes of the feature maps by level, of a backbone."""
        return {
            level: tf.TensorShape(output.shape)
            for level, output in self.keras3_model.output.items()
        }

    def trained_norms(self) -> list:
        """The wrapped model's batch norms that are trained."""
        self._sync_trainable()
        return trained_norms(self.keras3_model)

    @contextlib.contextmanager
    def measured_batch_norms(self):
        """Inside, its batch norms are measured and nothing is dropped.

        Yields what `nasnet_tf.networks.batch_norm_statistics` does.
        """
        self._sync_trainable()
        object.__setattr__(self, "_measuring", True)
        try:
            with measured_batch_norms(self.keras3_model) as found:
                yield found
        finally:
            object.__setattr__(self, "_measuring", False)

    def get_config(self):
        raise NotImplementedError(
            "a wrapped Keras 3 model is built from its experiment's config"
        )

    def _regularize(self, regularizer):
        for name, variable in self.variables_by_name.items():
            if name.endswith("kernel"):
                # Callable: tf_keras never reads an overridden `losses`.
                self.add_loss(lambda kernel=variable: regularizer(kernel))

    def _sync_trainable(self):
        """A frozen parent sets `trainable` past every setter."""
        if self._synced == self.trainable:
            return
        self.keras3_model.trainable = self.trainable
        if self._freeze_batch_norm:
            for layer in _batch_norms(self.keras3_model):
                layer.trainable = False
        object.__setattr__(self, "_synced", self.trainable)

    def _replica_seed(self):
        replica = tf.distribute.get_replica_context()
        if replica is None:
            return self._seed
        number = replica.replica_id_in_sync_group
        return self._seed + _REPLICA_STRIDE * tf.cast(number, tf.int32)


def _batch_norms(model):
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
