"""A step on two logical CPUs against a step on each half: prints numbers.

Run by `test_strategy.py` in a process of its own, because devices can only be
split before TensorFlow computes.
"""

import json

import keras
import numpy as np
import tensorflow as tf

from nasnet_tf.networks.variables import named_variables
from nasnet_tf.training.config import RecipeConfig
from nasnet_tf.training.optimizer import make_optimizer
from nasnet_tf.training.step import make_train_step
from nasnet_tf.training.strategy import average_statistics, network_scope
from tests.conftest import tiny_network
from tests.training.jobs import one_block

REPLICAS, RATE = 2, 0.1
generator = np.random.default_rng(0)
IMAGES = generator.normal(size=(REPLICAS, 4, 32, 32, 3))
LABELS = np.eye(10)[generator.integers(0, 10, (REPLICAS, 4))]


def one_step(strategy, images, labels):
    """Every variable after one step on a batch for each replica."""
    keras.utils.set_random_seed(0)
    with network_scope(strategy):
        model = tiny_network(
            one_block(), classifier_activation=None, dtype="float64"
        )
    recipe = RecipeConfig(momentum=0.0)
    with strategy.scope():
        optimizer = make_optimizer(recipe, RATE)
        step = tf.function(make_train_step(model, optimizer, recipe))
        distribute = strategy.experimental_distribute_values_from_function
        batch = [
            distribute(lambda context, v=v: v[context.replica_id_in_sync_group])
            for v in (images, labels)
        ]
        strategy.run(step, args=batch)
        average_statistics(model)
        return {
            name: keras.ops.convert_to_numpy(variable)
            for name, variable in named_variables(model).items()
        }


def drop_path_factors(strategy):
    """The factors that each replica draws in the same step."""
    with network_scope(strategy):
        model = tiny_network(
            one_block(),
            classifier_activation=None,
            drop_path_keep_prob=0.5,
            drop_path_total_steps=1,
        )
    layer = model.get_layer("drop_path")
    factors = []
    original = layer.call

    def recording(images, training=None):
        drawn = original(images, training=training)
        factors.append(drawn[-1])
        return drawn

    layer.call = recording
    recipe = RecipeConfig()
    with strategy.scope():
        optimizer = make_optimizer(recipe, 0.0)
        optimizer.build(model.trainable_variables)
        optimizer.iterations.assign(5)
        step = make_train_step(model, optimizer, recipe)

        @tf.function
        def run():
            images = tf.constant(IMAGES[0], "float32")
            strategy.run(step, args=(images, tf.constant(LABELS[0])))
            # One after the other each replica traced its call.
            first, second = factors
            return first, second

        return [drawn.numpy() for drawn in run()]


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * REPLICAS
    )
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    together = one_step(mirrored, IMAGES, LABELS)
    alone = [
        one_step(tf.distribute.get_strategy(), IMAGES[n:], LABELS[n:])
        for n in range(REPLICAS)
    ]
    # From the same weights: the mean gradient is the mean of the steps, and
    # the mean statistic that of the statistics.
    worst = {"weights": 0.0, "statistics": 0.0, "apart": 0.0}
    for name, value in together.items():
        if not np.issubdtype(value.dtype, np.floating):
            continue
        kind = "statistics" if "moving" in name else "weights"
        mean = (alone[0][name] + alone[1][name]) / 2
        worst[kind] = max(worst[kind], float(np.abs(value - mean).max()))
        apart = float(np.abs(alone[0][name] - alone[1][name]).max())
        worst["apart"] = max(worst["apart"], apart)
    drawn = drop_path_factors(mirrored)
    worst["same drop path"] = bool((drawn[0] == drawn[1]).all())
    print(json.dumps(worst))


if __name__ == "__main__":
    main()
