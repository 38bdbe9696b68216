"""ScheduledDropPath (paper, App. A.3; slim's default form)."""

import contextlib
import contextvars

import keras
import numpy as np
from keras import ops

from nasnet_tf.checks.errors import InputError

# Of a thread, since replicas are traced in threads by turns.
_scope: contextvars.ContextVar[tuple | None] = contextvars.ContextVar(
    "drop_path_scope", default=None
)


@contextlib.contextmanager
def drop_path_scope(step, seed=0):
    """Gives the step and the seed of drop path and dropout to calls inside.

    Without it drop path counts the training calls and uses the model's seed.
    In a distributed step, enter it in the replica's function with a seed that
    the replica's number is part of, so that replicas drop different paths.

    Args:
        step: training steps so far; an integer or a scalar tensor.
        seed: an integer or a scalar tensor.

    Example:
    >>> with nasnet_tf.drop_path_scope(step=optimizer.iterations, seed=7):
    ...     predictions = model(images, training=True)
    """
    token = _scope.set((step, seed))
    try:
        yield
    finally:
        _scope.reset(token)


def current_scope():
    """The `(step, seed)` of the `drop_path_scope` around, or None."""
    return _scope.get()


class StatelessSeed(keras.random.SeedGenerator):
    """Always the same seed: draws are a function of (seed, step) alone."""

    def __init__(self, seed, step):  # no state, so not the parent's __init__
        self._pair = ops.stack([ops.cast(n, "uint32") for n in (seed, step)])

    def next(self, ordered=True):
        return self._pair


@keras.saving.register_keras_serializable("nasnet_tf")
class ScheduledDropPath(keras.layers.Layer):
    """Draws which paths of each cell are kept, for each example.

    A path is an operation other than the identity. With r the depth of its
    cell and k the keep probability of the last cell, a path is kept with

        keep1 = 1 - r (1 - k)                              (by depth)
        keep2 = 1 - min(1, step / total_steps) (1 - keep1) (by step)

    and divided by keep2 when it is kept. One draw serves the whole network.

    Args:
        depths: r of every cell: (index + 1) / number of cells.
        paths: the number of paths of every cell.
        keep_prob: k, in (0, 1].
        total_steps: training steps until keep2 reaches keep1.
        seed: of the draws, where no `drop_path_scope` gives another.

    Input: the images, for their batch size. Output: for every cell a tensor
    `(batch, paths)` of factors, 0 or 1 / keep2; all 1 when not training.
    """

    def __init__(self, depths, paths, keep_prob, total_steps, seed=0, **kwargs):
        super().__init__(**kwargs)
        if not 0 < keep_prob <= 1:
            raise InputError(
                f"drop_path_keep_prob: {keep_prob} is not in (0, 1]"
            )
        if total_steps < 1:
            raise InputError(
                f"drop_path_total_steps: {total_steps} is not positive; give "
                "the number of training steps"
            )
        self.depths = tuple(depths)
        self.paths = tuple(paths)
        self.keep_prob = keep_prob
        self.total_steps = total_steps
        self.seed = seed

    def build(self, input_shape):
        self.step = self.add_weight(
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            name="step",
        )
        self.built = True

    def keep_probabilities(self, step):
        """keep2 of every path of the network at `step`: `(paths,)`."""
        by_depth = 1 - np.array(self.depths) * (1 - self.keep_prob)
        dropped = np.repeat(1 - by_depth, self.paths).astype("float32")
        progress = ops.cast(step, "float32") / self.total_steps
        return 1 - ops.minimum(1.0, progress) * dropped

    def call(self, images, training=None):
        shape = (ops.shape(images)[0], sum(self.paths))
        if training:
            factors = self._draw(shape)
        else:
            factors = ops.ones(shape, self.compute_dtype)
        ends = np.cumsum(self.paths)[:-1].tolist()
        return ops.split(factors, ends, axis=1)

    def _draw(self, shape):
        scope = current_scope()
        if scope is None:
            # A copy: on TensorFlow the variable would be read after assign.
            step, seed = self.step + 0, self.seed
            self.step.assign(step + 1)
        else:
            step, seed = scope
        keep = self.keep_probabilities(step)
        uniform = keras.random.uniform(
            shape, dtype="float32", seed=StatelessSeed(seed, step)
        )
        factors = ops.where(uniform < keep, 1 / keep, 0.0)
        return ops.cast(factors, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return [(input_shape[0], count) for count in self.paths]

    def get_config(self):
        return {
            **super().get_config(),
            "depths": self.depths,
            "paths": self.paths,
            "keep_prob": self.keep_prob,
            "total_steps": self.total_steps,
            "seed": self.seed,
        }
