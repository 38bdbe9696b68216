"""A network that becomes any child of a space."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from nasnet_tf.search.children.traced import machine
from nasnet_tf.search.children.traced.instruction_set import InstructionSet
from nasnet_tf.search.children.traced.program import VECTORS, Program
from nasnet_tf.search.children.traced.recording import (
    IMAGES,
    LOGITS,
    LOGITS_GRADIENT,
)
from nasnet_tf.search.children.traced.registers import (
    joined_registers,
    read,
    reserve,
    write,
)

# What they are called decides what is decayed; see `nasnet_tf.training`.
_NAMES = {"kernels": "kernel", "scales": "beta"}


class TracedNetwork:
    """To a training step what a `NASNet` is, of one child after the other.

    Args:
        instruction_set: of the space.
        sizes: of the vectors of weights, as large as any child needs.
        classes: of the classifier.
        momentum: of the moving statistics.
        dtype: of weights and computation.

    Attributes:
        trainable_variables: all kernels, and all other weights, as vectors;
            what a child does not need is zero and stays so.
    """

    def __init__(
        self,
        instruction_set: InstructionSet,
        sizes: dict[str, int],
        classes: int,
        momentum: float,
        dtype: str,
    ):
        self.phases = instruction_set.phases
        self.sizes = sizes
        self.classes = classes
        self.momentum = momentum
        self.dtype = tf.as_dtype(dtype)
        self.trainable_variables = [
            keras.Variable(tf.zeros(sizes[vector], dtype), name=name)
            for vector, name in _NAMES.items()
        ]
        self.statistics = tf.Variable(
            tf.zeros(sizes["statistics"], dtype), trainable=False
        )
        shape = (None, instruction_set.width)
        self.rows = {
            phase: _integers(np.zeros((1, shape[1]), "int32"), shape)
            for phase in self.phases
        }
        self.counts = {
            name: _integers(0, ()) for name in ("registers", *VECTORS)
        }

    def become(self, program: Program, weights: dict[str, np.ndarray]) -> None:
        """Takes another child's program and weights by name."""
        for phase, variable in self.rows.items():
            variable.assign(program.rows[phase])
        for name, variable in self.counts.items():
            variable.assign(program.counts[name])
        for vector, variable in self._vectors().items():
            size = self.sizes[vector]
            variable.assign(program.packed(vector, weights, size))

    def weights(self, program: Program) -> dict[str, np.ndarray]:
        """The child's weights and statistics by name."""
        weights: dict[str, np.ndarray] = {}
        for vector, variable in self._vectors().items():
            values = keras.ops.convert_to_numpy(variable)
            weights |= program.unpacked(vector, values)
        return weights

    def _vectors(self):
        return {
            **dict(zip(_NAMES, self.trainable_variables, strict=True)),
            "statistics": self.statistics,
        }

    def __call__(self, images, training=False):
        """Logits `(batch, classes)`."""
        weights = {
            vector: tf.convert_to_tensor(variable)
            for vector, variable in self._vectors().items()
        }
        if not training:
            lists = {"registers": self._registers(images)}
            lists = self._run("evaluation", lists, weights)
            return self._logits(lists["registers"])
        return self._train(images, weights)

    def batch_statistics(self, images):
        """What a batch makes of `statistics`, which stay as they are."""
        weights = {
            vector: tf.convert_to_tensor(variable)
            for vector, variable in self._vectors().items()
        }
        lists = {
            "registers": self._registers(images),
            "statistics": reserve(self.counts["statistics"] + 0, self.dtype),
        }
        done = self._run("forward", lists, weights)
        return self._joined(done, "statistics")

    def _train(self, images, weights):
        rows = self.rows["backward"] + 0
        counts = {name: count + 0 for name, count in self.counts.items()}
        lists = {
            "registers": self._registers(images),
            "statistics": reserve(counts["statistics"], self.dtype),
        }
        statistics = []

        # TensorFlow's own gradient would keep what each turn of the loop made.
        @tf.custom_gradient
        def logits_of(kernels, scales):
            values = {**weights, "kernels": kernels, "scales": scales}
            done = self._run("forward", lists, values)
            statistics.append(self._joined(done, "statistics"))
            registers = done["registers"]

            def gradients(dlogits):
                written = write(registers, LOGITS_GRADIENT, dlogits)
                done = machine.run(
                    self.phases["backward"],
                    rows,
                    {
                        "registers": written,
                        "kernels": reserve(counts["kernels"], self.dtype),
                        "scales": reserve(counts["scales"], self.dtype),
                    },
                    values,
                )
                return self._joined(done, "kernels"), self._joined(
                    done, "scales"
                )

            return self._logits(registers), gradients

        logits = logits_of(weights["kernels"], weights["scales"])
        kept = weights["statistics"] * self.momentum
        self.statistics.assign(kept + statistics[0] * (1.0 - self.momentum))
        return logits

    def _run(self, phase, lists, weights):
        return machine.run(
            # Read once, and not at each turn of the loop.
            self.phases[phase],
            self.rows[phase] + 0,
            lists,
            weights,
        )

    def _registers(self, images):
        registers = reserve(self.counts["registers"] + 0, self.dtype)
        return write(registers, IMAGES, tf.cast(images, self.dtype))

    def _logits(self, registers):
        logits = read(registers, LOGITS, self.dtype)
        return tf.ensure_shape(logits, (None, self.classes))

    def _joined(self, lists, name):
        return joined_registers(lists[name], self.dtype, self.sizes[name])


def _integers(value, shape):
    return tf.Variable(value, trainable=False, dtype="int32", shape=shape)
