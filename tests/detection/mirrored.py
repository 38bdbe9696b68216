"""Steps of a detector on two logical CPUs: prints numbers.

Run by `test_distributed.py` in a process of its own, because devices
can only be split before TensorFlow computes.
"""

import json
import pathlib
import sys

import numpy as np
import tensorflow as tf
import tf_keras

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2
)

from tests.detection.models import (  # noqa: E402
    cells_of_one_block,
    example_batch,
    fpn,
    random_images,
)

DROP_PATH = (
    ",task.model.backbone.nasnet.drop_path_keep_prob=0.5,"
    "task.model.backbone.nasnet.drop_path_total_steps=1"
)


def local(strategy, variable):
    """The values of a variable on each replica."""
    return [v.numpy() for v in strategy.experimental_local_results(variable)]


def largest(pairs):
    return float(max(np.abs(a - b).max() for a, b in pairs))


def features(strategy, model):
    """A feature map on each replica, of the same images, in training."""
    images = random_images()

    def run():
        return model.backbone(images, training=True)["4"]

    return local(strategy, tf.function(lambda: strategy.run(run))())


def main(checkpoint):
    overrides = DROP_PATH + cells_of_one_block(
        pathlib.Path(checkpoint).parent, "separable_conv_3x3"
    )
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        task, model = fpn(overrides)
        optimizer = tf_keras.optimizers.SGD(0.05, 0.9)
    batches = [example_batch(task, seed=seed) for seed in (1, 2)]
    inputs = tf.nest.map_structure(
        lambda *values: strategy.experimental_distribute_values_from_function(
            lambda context: values[context.replica_id_in_sync_group]
        ),
        *batches,
    )

    @tf.function
    def step(inputs):
        return strategy.run(task.train_step, args=(inputs, model, optimizer))

    for _ in range(2):
        step(inputs)
    trained = [local(strategy, v) for v in model.trainable_variables]
    moving = {
        name: local(strategy, variable)
        for name, variable in model.backbone.variables_by_name.items()
        if "moving" in name
    }
    path = tf.train.Checkpoint(model=model).write(checkpoint)
    _, single = fpn(overrides)
    status = tf.train.Checkpoint(model=single).read(path)
    status.assert_existing_objects_matched()
    restored = single.backbone.variables_by_name
    results = {
        "replicas_apart": largest(trained),
        "statistics_apart": largest(moving.values()),
        "statistics_off_mean": largest(
            (np.mean(values, axis=0), restored[name].numpy())
            for name, values in moving.items()
        ),
        "restored_off": largest(
            (mirrored[0], variable.numpy())
            for mirrored, variable in zip(
                trained, single.trainable_variables, strict=True
            )
        ),
        "calls": int(single.backbone._calls),
        "synchronization": sorted(
            {
                str(model.backbone.variables_by_name[name].synchronization)
                for name in moving
            }
        ),
        "drop_path_apart": largest([features(strategy, model)]),
    }
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
