"""Keras's RandAugment and MixUp, drawn from (seed, position) alone.

The layers count their calls, which a resumed job would have to repeat. Here
they are given their seeds instead.
"""

from collections.abc import Callable

import keras
import tensorflow as tf

from nasnet_tf.data import order


class _Seeds(keras.random.SeedGenerator):
    """A sequence of seeds that begins anew with every object."""

    def __init__(self, pair):  # no state, so not the parent's __init__
        self._pair = pair
        self._count = 0

    def next(self, ordered=True):
        self._count += 1
        pair = tf.random.experimental.stateless_fold_in(
            self._pair, tf.constant(self._count, "int64")
        )
        # Keras takes no 64-bit seeds, and a cast keeps the low bits.
        return tf.cast(tf.bitwise.bitwise_and(pair, 0x7FFFFFFF), "uint32")


def rand_augment(factor: float) -> Callable:
    """RandAugment (Cubuk et al. 2020): two random operations an image.

    Called on a batch, Keras's layer takes the same operations for all of its
    images and computes all eleven. Here each image draws its own, and only
    these are computed.

    Args:
        factor: of `keras.layers.RandAugment`, 0 to 1.

    Returns:
        A function of images `(n, h, w, 3)`, float32, 0 to 255, the seed, and
        the positions `(n,)` of the examples in the training stream.
    """
    layer = keras.layers.RandAugment(
        value_range=(0, 255), factor=factor, dtype="float32"
    )
    operations = [getattr(layer, name) for name in layer._AUGMENT_LAYERS]

    def augment(example):
        image, position, seed = example
        seeds = _Seeds(order.seed_pair(seed, order.RAND_AUGMENT, position))
        for _ in range(layer.num_ops):
            chosen = keras.random.randint((), 0, len(operations), seed=seeds)
            pair = seeds.next()
            image = tf.switch_case(
                chosen,
                [_applied(operation, image, pair) for operation in operations],
            )
        return image

    def apply(images, seed, positions):
        seeds = tf.fill(tf.shape(positions), tf.cast(seed, "int64"))
        changed = tf.map_fn(
            augment,
            (images, positions, seeds),
            fn_output_signature=tf.TensorSpec(images.shape[1:], "float32"),
        )
        return tf.clip_by_value(changed, 0.0, 255.0)

    return apply


def _applied(operation, image, pair):
    def apply():
        seeds = _Seeds(tf.cast(pair, "int64"))
        images = image[None]
        change = operation.get_random_transformation(
            images, training=True, seed=seeds
        )
        changed = operation.transform_images(images, change, training=True)
        return tf.ensure_shape(changed[0], image.shape)

    return apply


def mix_up(alpha: float) -> Callable:
    """MixUp (Zhang et al. 2018): each example is mixed with another.

    The other is of the same replica's batch.

    Args:
        alpha: of `keras.layers.MixUp`.

    Returns:
        A function of images `(n, h, w, 3)`, labels `(n, classes)`, the seed,
        and the position of the first example in the training stream.
    """
    # Not of Keras's global policy, which may be of half precision.
    layer = keras.layers.MixUp(alpha=alpha, dtype="float32")

    def apply(images, labels, seed, position):
        seeds = _Seeds(order.seed_pair(seed, order.MIX_UP, position))
        data = {"images": images, "labels": labels}
        change = layer.get_random_transformation(data, seed=seeds)
        images = layer.transform_images(images, change)
        return images, layer.transform_labels(labels, change)

    return apply
