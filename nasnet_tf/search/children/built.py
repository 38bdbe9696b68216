"""A network for each child, built by the zoo and traced anew."""

from __future__ import annotations

import gc

import tensorflow as tf

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.networks.batch_norm_statistics import measured_statistics
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.networks.variables import named_variables
from nasnet_tf.search.children.data import ChildData
from nasnet_tf.search.children.initial_weights import initial_weights
from nasnet_tf.search.children.trainer import Children, evaluation
from nasnet_tf.search.config import BATCH_NORM_EPSILON, SearchConfig
from nasnet_tf.search.sizes import matched_child
from nasnet_tf.training.optimizer import averaged_weights, make_optimizer
from nasnet_tf.training.schedules import learning_rate_schedule
from nasnet_tf.training.step import make_evaluation_step, make_train_step


class BuiltChildren(Children):
    """Children as the training jobs train networks.

    Args:
        config: of the search.
        data: of its children.
    """

    method = "built"

    def __init__(self, config: SearchConfig, data: ChildData):
        self.config = config
        self.data = data

    def network(self, genotype: Genotype, seed: int = 0) -> NASNet:
        """The child as a network of the zoo with its first weights."""
        data = self.data
        child = matched_child(
            genotype,
            self.config.child,
            len(data.class_names),
            data.image_shape[2],
        )
        network = NASNet(
            genotype,
            num_cells=child.num_cells,
            penultimate_filters=child.filters * genotype.filters_divisor,
            stem="cifar",
            stem_multiplier=child.stem_multiplier,
            input_shape=data.image_shape,
            classes=len(data.class_names),
            classifier_activation=None,
            drop_path_keep_prob=child.drop_path_keep_prob,
            drop_path_total_steps=data.steps,
            batch_norm_momentum=child.batch_norm_momentum,
            batch_norm_epsilon=BATCH_NORM_EPSILON,
            preprocessing=child.preprocessing,
            seed=seed,
            dtype=child.dtype,
        )
        weights = {
            name: variable
            for name, variable in named_variables(network).items()
            # No weight, but the count of steps.
            if name != "drop_path/step"
        }
        shapes = {name: tuple(v.shape) for name, v in weights.items()}
        # Not as Keras drew them: traced children begin with the same weights.
        for name, value in initial_weights(shapes, seed, child.dtype).items():
            weights[name].assign(value)
        return network

    def begin(self, genotype: Genotype, seed: int):
        network = self.network(genotype, seed)
        optimizer = child_optimizer(self.config, self.data)
        step = make_train_step(
            network,
            optimizer,
            self.config.recipe,
            seed,
            class_weights=self.data.class_weights,
        )
        # AutoGraph takes a while to find no condition or loop of Python's.
        measure = tf.function(make_evaluation_step(network), autograph=False)

        def evaluate():
            with (
                averaged_weights(network, optimizer),
                measured_statistics(network, self.data.statistics_dataset),
            ):
                return evaluation(self.data, measure)

        return tf.function(step, autograph=False), evaluate

    def keep(self):
        """No child knows of those before it."""

    def end(self):
        # Keras's graphs are cycles, which else pile up between collections.
        gc.collect()


def child_optimizer(config: SearchConfig, data: ChildData):
    """The optimizer of a child, not built yet."""
    schedule = learning_rate_schedule(
        config.recipe, data.steps, data.steps_per_epoch
    )
    return make_optimizer(config.recipe, schedule)
