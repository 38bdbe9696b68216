"""Step, batches and evaluation of a job under its strategy.

All are to be made and used in the scope of the strategy, which may be the
default one, of a single device.
"""

import numpy as np
import tensorflow as tf

from nasnet_tf import data
from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.batch_norm_statistics import (
    PooledStatistics,
    by_layer,
    flat_statistics,
    measured_batch_norms,
    trained_norms,
)
from nasnet_tf.networks.variables import named_variables
from nasnet_tf.training.class_weights import class_weights
from nasnet_tf.training.config import ExperimentConfig, RuntimeConfig
from nasnet_tf.training.step import make_evaluation_step, make_train_step

# Whose batch-norm statistics are measured: more change little.
STATISTICS_IMAGES = 1000
# The more images a batch, the more it normalises as all of them together do.
# Four times those of training fit into memory, for nothing is kept of a layer
# that another has read.
STATISTICS_BATCH = 64
_MORE_THAN_TRAINED = 4


def train_function(source, network, optimizer, config: ExperimentConfig):
    """A step on a batch of `training_batches`, traced once.

    Args:
        source: a `nasnet_tf.data.Source`, whose classes may have weights.
        network: a `NASNet` that returns logits.
        optimizer: of `make_optimizer`.
        config: of the job.

    Returns:
        A function of `(images, labels)`; see `make_train_step` for what it
        returns, and the rate that the step had as `learning_rate`.
    """
    strategy = tf.distribute.get_strategy()
    step = make_train_step(
        network,
        optimizer,
        config.recipe,
        config.runtime.seed,
        _uses_xla(config.runtime),
        class_weights(config.recipe, source),
    )

    @tf.function(autograph=False)
    def run(images, labels):
        # Before the step: it raises the count that a schedule is asked with.
        rate = optimizer.learning_rate
        results = strategy.run(step, args=(images, labels))
        # The same on all replicas: they are summed there.
        metrics = {
            name: strategy.experimental_local_results(value)[0]
            for name, value in results.items()
        }
        return {**metrics, "learning_rate": tf.convert_to_tensor(rate)}

    return run


def training_batches(
    source, network, config: ExperimentConfig, start: int, corrupt
):
    """An iterator over the batches from a step on, one a replica.

    Args:
        source: a `nasnet_tf.data.Source`.
        network: whose size and preprocessing the images have.
        config: of the job.
        start: steps done already.
        corrupt: a `nasnet_tf.data.CorruptImages`.
    """
    batch_size = config.recipe.batch_size

    def dataset(context):
        return data.training_batches(
            source,
            config.data,
            network.input_shape[1:3],
            network.preprocessing,
            batch_size,
            context.get_per_replica_batch_size(batch_size),
            position=start * batch_size,
            shard=context.input_pipeline_id,
            shards=context.num_input_pipelines,
            seed=config.runtime.seed,
            corrupt=corrupt,
            float_dtype=_float_dtype(config),
        )

    strategy = tf.distribute.get_strategy()
    return iter(strategy.distribute_datasets_from_function(dataset))


def statistics_function(source, network, config: ExperimentConfig, corrupt):
    """A function without arguments that measures batch-norm statistics.

    They are those of up to 1,000 training images, the same each time, as
    evaluation sees them: without augmentation.

    Args:
        source: a `nasnet_tf.data.Source` of the training images.
        network: a `NASNet` that returns logits.
        config: of the job.
        corrupt: a `nasnet_tf.data.CorruptImages`.

    Returns:
        A function that returns arrays by the names of `named_variables`, of
        batch norms that are trained.
    """
    strategy = tf.distribute.get_strategy()
    batch_size = _statistics_batch_size(config)

    @tf.function(autograph=False)
    def over_replicas(images):
        # Around all replicas: with synchronised norms these take turns.
        with measured_batch_norms(network) as found:
            values = strategy.run(
                lambda images: flat_statistics(network, images, found),
                args=(images,),
            )
        return [strategy.reduce("MEAN", v, axis=None) for v in values]

    def dataset(context):
        return data.statistics_batches(
            source,
            network.image_reading,
            network.input_shape[1:3],
            network.preprocessing,
            context.get_per_replica_batch_size(batch_size),
            STATISTICS_IMAGES,
            config.runtime.seed,
            corrupt,
            _float_dtype(config),
        )

    def measure():
        pooled = PooledStatistics()
        for images in strategy.distribute_datasets_from_function(dataset):
            means, squares = over_replicas(images)
            pooled.add(means, squares, batch_size)
        return _named(*pooled.result(), network)

    return measure


def _named(means, variances, network):
    """Flat statistics by the names of the network's variables."""
    names = {id(v): name for name, v in named_variables(network).items()}
    statistics = {}
    layers = trained_norms(network)
    for layer, mean, variance in by_layer(layers, means, variances):
        statistics[names[id(layer.moving_mean)]] = mean
        statistics[names[id(layer.moving_variance)]] = variance
    return statistics


def _statistics_batch_size(config):
    """Images at a time, of all replicas."""
    trained = config.recipe.batch_size
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    wanted = STATISTICS_BATCH * replicas
    return max(trained, min(wanted, _MORE_THAN_TRAINED * trained))


def evaluation_function(source, served, config: ExperimentConfig, corrupt):
    """A function without arguments that measures what serves of a network.

    Args:
        source: a `nasnet_tf.data.Source`.
        served: a `ServedNetwork` of a `NASNet` that returns logits, settled.
        config: of the job.
        corrupt: a `nasnet_tf.data.CorruptImages`; what cannot be decoded is
            left out.

    Returns:
        A function that returns the means `loss`, `accuracy`, with more than
        five classes `top_5`, and `balanced_accuracy`: the mean of the
        accuracies on each class that has images. It raises `InputError`
        where no image can be decoded.
    """
    strategy = tf.distribute.get_strategy()
    network = served.network
    step = make_evaluation_step(network, by_class=True)

    @tf.function(autograph=False)
    def sums_of(images, labels, weights):
        sums = strategy.run(step, args=(images, labels, weights))
        return {
            name: strategy.reduce("SUM", value, axis=None)
            for name, value in sums.items()
        }

    def evaluate():
        totals: dict[str, np.ndarray] = {}
        with served.applied(), data.decoding_errors():
            for batch in _evaluation_batches(source, network, config, corrupt):
                for name, value in sums_of(*batch).items():
                    # float32 would round the sums over many images.
                    value = np.asarray(value, "float64")
                    totals[name] = totals.get(name, 0.0) + value
        return _means(totals, source)

    return evaluate


def _means(totals, source):
    examples = totals.pop("examples")
    if not examples:
        raise InputError(
            f"data: no image of {source.name} can be decoded; replace them"
        )
    hits, of_class = totals.pop("class_hits"), totals.pop("class_examples")
    means = {name: float(total / examples) for name, total in totals.items()}
    found = of_class > 0
    balanced = (hits[found] / of_class[found]).mean()
    return {**means, "balanced_accuracy": float(balanced)}


def _evaluation_batches(source, network, config, corrupt):
    batches = data.evaluation_batches(
        source,
        network.image_reading,
        network.input_shape[1:3],
        network.preprocessing,
        config.recipe.batch_size,
        _float_dtype(config),
        corrupt,
    ).map(lambda batch: [batch[k] for k in ("images", "labels", "weights")])
    strategy = tf.distribute.get_strategy()
    if strategy.num_replicas_in_sync == 1:
        return batches
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    return strategy.experimental_distribute_dataset(
        batches.with_options(options)
    )


def _float_dtype(config):
    return "float64" if config.model.dtype == "float64" else "float32"


def _uses_xla(runtime: RuntimeConfig):
    if runtime.jit_compile is not None:
        return runtime.jit_compile
    # Never on a CPU, where it is many times slower; and it has no sum over
    # replicas inside the network.
    strategy = tf.distribute.get_strategy()
    return bool(tf.config.list_physical_devices("GPU")) and not (
        runtime.synchronized_batch_norm and strategy.num_replicas_in_sync > 1
    )
