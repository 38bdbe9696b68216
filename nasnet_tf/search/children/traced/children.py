"""Children that one traced program trains, whatever their genotype."""

from __future__ import annotations

import contextlib

import tensorflow as tf

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.networks.batch_norm_statistics import PooledStatistics
from nasnet_tf.search.children.built import child_optimizer
from nasnet_tf.search.children.data import ChildData
from nasnet_tf.search.children.initial_weights import initial_weights
from nasnet_tf.search.children.traced.instruction_set import InstructionSet
from nasnet_tf.search.children.traced.network import TracedNetwork
from nasnet_tf.search.children.traced.program import Program, compile_program
from nasnet_tf.search.children.traced.recording import Recording
from nasnet_tf.search.children.traced.sizes import (
    child_plan,
    largest_sizes,
)
from nasnet_tf.search.children.trainer import Children, evaluation
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.sizes import matched_child
from nasnet_tf.search.space.cell_space import CellSpace
from nasnet_tf.training.optimizer import averaged_weights
from nasnet_tf.training.step import make_evaluation_step, make_train_step


class TracedChildren(Children):
    """Children of a space without any tracing of their own.

    The first step and the first evaluation trace; a child then brings its
    program, its weights and an optimizer that knows nothing yet.

    Args:
        config: of the search.
        data: of its children.
        space: of the genotypes.
    """

    method = "traced"

    def __init__(self, config: SearchConfig, data: ChildData, space: CellSpace):
        self.config = config
        self.data = data
        self.instruction_set = InstructionSet(space)
        self.network = TracedNetwork(
            self.instruction_set,
            largest_sizes(space, config.child, *self._images),
            self._classes,
            config.child.batch_norm_momentum,
            config.child.dtype,
        )
        self.optimizer = child_optimizer(config, data)
        step = make_train_step(
            self.network,
            self.optimizer,
            config.recipe,
            class_weights=data.class_weights,
        )
        self._fresh = [v.numpy() for v in self.optimizer.variables]
        self._step = tf.function(step, autograph=False)
        self._measure = tf.function(
            make_evaluation_step(self.network), autograph=False
        )
        self._batch_statistics = tf.function(
            self.network.batch_statistics, autograph=False
        )

    @property
    def _classes(self):
        return len(self.data.class_names)

    @property
    def _images(self):
        return self._classes, self.data.image_shape[2]

    def program(self, genotype: Genotype) -> Program:
        """What the machine does for a genotype of the space."""
        child = matched_child(genotype, self.config.child, *self._images)
        recording = Recording(
            child_plan(genotype, child),
            genotype.bottleneck,
            self.data.image_shape[2],
            self._classes,
            self.instruction_set.widest_concat,
        )
        return compile_program(recording, self.instruction_set)

    def begin(self, genotype: Genotype, seed: int):
        self._program = program = self.program(genotype)
        self.network.become(program, self.first_weights(program, seed))
        for variable, value in zip(
            self.optimizer.variables, self._fresh, strict=True
        ):
            variable.assign(value)
        return self._step, self._evaluate

    def first_weights(self, program: Program, seed: int) -> dict:
        """What a child begins with, arrays by name."""
        return initial_weights(program.shapes, seed, self.config.child.dtype)

    def keep(self):
        """No child knows of those before it."""

    def end(self):
        """The next child overwrites this one."""

    def _evaluate(self):
        with (
            averaged_weights(self.network, self.optimizer),
            self._measured_statistics(),
        ):
            return evaluation(self.data, self._measure)

    @contextlib.contextmanager
    def _measured_statistics(self):
        """Inside, the statistics are those of training images."""
        if self.data.statistics_dataset is None:
            yield
            return
        means, variances = (
            self._program.places("statistics", f"moving_{kind}")
            for kind in ("mean", "variance")
        )
        pooled = PooledStatistics()
        for images in self.data.statistics_dataset:
            # float32 would lose digits between mean squares and squared means.
            found = self._batch_statistics(images).numpy().astype("float64")
            mean = found[means]
            pooled.add(mean, found[variances] + mean**2, len(images))
        moving = self.network.statistics.numpy()
        # A copy: the moving ones are put back.
        measured = moving.copy()
        measured[means], measured[variances] = pooled.result()
        self.network.statistics.assign(measured)
        try:
            yield
        finally:
            self.network.statistics.assign(moving)
