"""One device, several, or several machines."""

import contextlib
import functools
import json
import os

import tensorflow as tf

from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.training.config import RuntimeConfig


def distribution_strategy(runtime: RuntimeConfig) -> tf.distribute.Strategy:
    """The strategy of a job; to be called before TensorFlow computes.

    Args:
        runtime: `strategy`: `"one_device"`, `"mirrored"` (all GPUs of this
            machine), `"multi_worker"` (the cluster of `TF_CONFIG`), or
            `"auto"`.

    Raises:
        InputError: `TF_CONFIG` is missing or cannot be used.
    """
    kind = runtime.strategy
    workers = len(cluster_of_environment()[0])
    if kind == "multi_worker" and not workers:
        raise InputError(
            "runtime.strategy: multi_worker needs TF_CONFIG, a JSON with "
            'the addresses "cluster": {"worker": [...]} and this worker\'s '
            '"task": {"type": "worker", "index": ...}'
        )
    if kind == "auto":
        several = len(tf.config.list_physical_devices("GPU")) > 1
        kind = "mirrored" if several else "one_device"
        kind = "multi_worker" if workers > 1 else kind
    if kind == "one_device":
        return tf.distribute.get_strategy()
    if kind == "mirrored":
        return tf.distribute.MirroredStrategy()
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise InputError(
            "runtime.strategy: multi_worker cannot start "
            f"({first_line(error)}); check TF_CONFIG and that its addresses "
            "are free"
        ) from error


def cluster_of_environment() -> tuple[list[str], int]:
    """The addresses that `TF_CONFIG` names, and the number of this worker.

    No addresses where it is not set.

    Raises:
        InputError: it cannot be used; one line.
    """
    text = os.environ.get("TF_CONFIG")
    if not text:
        return [], 0
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        addresses = cluster["worker"]
        if task["type"] != "worker" or set(cluster) != {"worker"}:
            raise ValueError("only tasks of type worker are used")
        if not 0 <= task["index"] < len(addresses):
            raise ValueError(f"it names no worker {task['index']}")
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(
            f"TF_CONFIG: {text!r} cannot be used ({error}); give "
            '{"cluster": {"worker": ["host:port", ...]}, '
            '"task": {"type": "worker", "index": 0}}'
        ) from None
    return addresses, task["index"]


def worker_index() -> int:
    """The number of this worker in the current strategy; 0 writes for all."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    return resolver.task_id if resolver and resolver.task_id else 0


def worker_count() -> int:
    """How many workers the current strategy has."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    if not resolver:
        return 1
    return resolver.cluster_spec().num_tasks("worker") or 1


def over_all_workers(value: int) -> list[int]:
    """The sum and the sum of squares of what the workers give.

    All must call it, in the scope of the strategy; it is also where they wait
    for each other.
    """
    strategy = tf.distribute.get_strategy()
    numbers = tf.constant([value, value**2], "int64")
    sums = _sum_of_replicas(strategy)(numbers)
    results = strategy.experimental_local_results(sums)
    return [int(number) for number in results[0]]


@functools.lru_cache(maxsize=1)
def _sum_of_replicas(strategy):
    """Traced once, for searches ask at each of many rounds."""

    def add(numbers):
        # all_reduce does not take an argument of the function as it is.
        return tf.distribute.get_replica_context().all_reduce(
            tf.distribute.ReduceOp.SUM, tf.identity(numbers)
        )

    return tf.function(
        lambda numbers: strategy.run(add, args=(numbers,)), autograph=False
    )


@contextlib.contextmanager
def network_scope(strategy: tf.distribute.Strategy):
    """Where the network and its optimizer are made.

    Batch-norm statistics belong to each replica and are averaged where they
    are read outside; else those of the first worker would be saved.
    """

    def creator(create, **kwargs):
        if not kwargs.get("trainable", True):
            integer = tf.as_dtype(_dtype(kwargs)).is_integer
            kwargs["synchronization"] = tf.VariableSynchronization.ON_READ
            kwargs["aggregation"] = (
                tf.VariableAggregation.ONLY_FIRST_REPLICA
                if integer
                else tf.VariableAggregation.MEAN
            )
        return create(**kwargs)

    with strategy.scope():
        if strategy.num_replicas_in_sync == 1:
            yield
            return
        with tf.variable_creator_scope(creator):
            yield


def _dtype(kwargs):
    if kwargs.get("dtype") is not None:
        return kwargs["dtype"]
    value = kwargs["initial_value"]
    value = value() if callable(value) else value
    return tf.convert_to_tensor(value).dtype


def average_statistics(model) -> None:
    """Gives every replica the mean of all replicas' batch-norm statistics.

    To be called by all workers, outside a replica.
    """
    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return
    for variable in model.non_trainable_variables:
        variable.assign(tf.convert_to_tensor(variable.value))
