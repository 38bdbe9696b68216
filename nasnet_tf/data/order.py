"""Which example stands at which position of the training stream.

The stream is a function of the seed and the position alone, the number of
examples that all workers have taken. So a job that is resumed sees what it
would have seen, and no iterator is ever saved.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

# What a seed is for. Draws for one purpose tell nothing about another's.
ORDER, BUFFER, HELD_OUT, AUGMENT, CROP, RAND_AUGMENT, MIX_UP = range(7)

_ENDLESS = np.iinfo("int64").max


def seed_pair(seed, purpose: int, number=0) -> tf.Tensor:
    """A seed of `tf.random.stateless_*`: `(2,)`, int64.

    Args:
        seed: of the job.
        purpose: of the draws, a constant of this module.
        number: of the epoch, the step or the example.
    """
    pair = tf.stack([tf.cast(seed, "int64"), tf.cast(number, "int64")])
    return tf.random.experimental.stateless_fold_in(
        pair, tf.constant(purpose, "int64")
    )


def held_out(size: int, count: int, seed: int) -> np.ndarray:
    """Chooses the examples that are evaluated on, not trained on.

    Args:
        size: number of all examples.
        count: how many to hold out.
        seed: of the choice.

    Returns:
        `(size,)`, bool; True for `count` random examples.
    """
    chosen = np.zeros(size, bool)
    generator = np.random.default_rng([seed, HELD_OUT])
    chosen[generator.permutation(size)[:count]] = True
    return chosen


def endless(
    epoch: Callable[[tf.Tensor], tf.data.Dataset], size: int, position: int
) -> tf.data.Dataset:
    """All epochs, one after the other, from a position on.

    Args:
        epoch: gives the `size` elements of an epoch, by its number.
        size: of every epoch.
        position: number of elements before the first.
    """
    first, offset = divmod(position, size)

    def rest(number):
        skipped = tf.where(number == first, offset, 0)
        return epoch(number).skip(tf.cast(skipped, "int64"))

    return tf.data.Dataset.range(first, _ENDLESS).flat_map(rest)


def shuffled(size: int, position: int, seed: int) -> tf.data.Dataset:
    """Endless numbers below `size`, in another order every epoch."""

    def epoch(number):
        return tf.data.Dataset.from_tensor_slices(
            tf.random.experimental.stateless_shuffle(
                tf.range(size, dtype="int64"), seed_pair(seed, ORDER, number)
            )
        )

    return endless(epoch, size, position)


def slices(
    elements: tf.data.Dataset, batch_size: int, shard: int, shards: int
) -> tf.data.Dataset:
    """A worker's contiguous part of every global batch, as batches.

    Args:
        elements: endless; what all workers together take.
        batch_size: elements of all workers.
        shard: number of this worker.
        shards: number of workers; it divides `batch_size`.
    """
    part = batch_size // shards
    batches = elements.batch(batch_size, drop_remainder=True)
    return batches.map(
        lambda *batch: tf.nest.map_structure(
            lambda values: values[shard * part : (shard + 1) * part],
            batch if len(batch) > 1 else batch[0],
        )
    )
