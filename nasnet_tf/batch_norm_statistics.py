"""Batch-norm statistics measured anew, for the weights that a network has.

Moving statistics lag behind the weights by 1 / (1 - momentum) steps. A network
that was trained for fewer than many times that is another one at inference: it
reads its own training images at chance. Measured over images, as in "Rethinking
batch in BatchNorm" (Wu and Johnson 2021, section 3), they fit the weights.
"""

import contextlib
import functools

import keras
import numpy as np
from keras import ops

from nasnet_tf.arguments import check_integer
from nasnet_tf.errors import InputError
from nasnet_tf.layers.batch_normalization import normalized_by_batch


def recalibrate_batch_norm(model, images, batch_size: int = 32) -> int:
    """Measures a model's moving means and variances anew, and assigns them.

    Nothing else changes. Layers that are not trainable keep theirs, for they
    trained with them. Dropout and drop path are off, as at inference.

    Args:
        model: any Keras model with batch norm, a `NASNet` in it or not.
        images: as the model takes them: an array `(n, height, width,
            channels)`; or batches of such: a `tf.data.Dataset`, a Keras
            `PyDataset` or any other iterable that ends, of images or of tuples
            that begin with them. A few hundred, such as it was trained on,
            in random order and not augmented, will do.
        batch_size: of an array.

    Returns:
        How many images there were.

    Raises:
        InputError: the model has no batch norm that is trainable, or there
            are no images.

    Example:
    >>> model.fit(images, labels, epochs=3)
    >>> nasnet_tf.recalibrate_batch_norm(model, images)
    >>> model.evaluate(images, labels)
    """
    if not has_trained_norms(model):
        raise InputError(
            f"model: {model.name} has no batch norm that is trainable; its "
            "statistics are what it was trained with"
        )
    measure, pooled, count = _measurement(model), PooledStatistics(), 0
    for batch in _batches(images, batch_size):
        layers, means, squares = measure(batch)
        pooled.add(means, squares, len(batch))
        count += len(batch)
    if not count:
        raise InputError("images: none given; give some of the training images")
    for layer, mean, variance in pooled.by_layer(layers):
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(variance)
    return count


class RecalibrateBatchNorm(keras.callbacks.Callback):
    """Under Keras's `fit`, measures batch-norm statistics where they are used.

    Before each validation and at the end of training; see
    `recalibrate_batch_norm`. What `fit` tells of the validation images, and the
    model that is saved, is then the network that training made. Training
    itself normalises by its batches and stays the same.

    Args:
        images: see `recalibrate_batch_norm`.
        batch_size: of an array.

    Example:
    >>> model.fit(images, labels, validation_data=held_out, callbacks=[
    ...     nasnet_tf.RecalibrateBatchNorm(images[:1000])])
    """

    def __init__(self, images, batch_size: int = 32):
        super().__init__()
        self.images, self.batch_size = images, batch_size
        self._fitting = False

    def on_train_begin(self, logs=None):
        self._fitting = True

    def on_test_begin(self, logs=None):
        if self._fitting:
            self._recalibrate()

    def on_train_end(self, logs=None):
        self._fitting = False
        self._recalibrate()

    def _recalibrate(self):
        recalibrate_batch_norm(self.model, self.images, self.batch_size)


def has_trained_norms(model) -> bool:
    """Whether a model has a batch norm that is trainable."""
    return bool(_trainable_norms(model))


@contextlib.contextmanager
def measured_batch_norms(model):
    """Inside, trainable batch norms normalise by their batch and record it.

    Whatever `training` says, and without a change of their moving statistics;
    all other layers follow `training`. It holds for calls inside, also those
    that are traced.

    Args:
        model: any Keras model.

    Yields:
        A dict that each call fills: `(mean, biased variance)` by layer.
    """
    found, norms = {}, _trainable_norms(model)
    for norm in norms:
        # Past Keras, which tracks what is set.
        call = functools.partial(_call_by_batch, norm, found)
        object.__setattr__(norm, "call", call)
    try:
        yield found
    finally:
        for norm in norms:
            object.__delattr__(norm, "call")


def flat_statistics(found: dict) -> tuple:
    """All means, and all mean squares, as two vectors of float64.

    These average over batches and replicas, as means and variances do not.

    Args:
        found: of `measured_batch_norms`.
    """
    means, squares = [], []
    for mean, variance in found.values():
        # In float32 a variance would drown in a large mean.
        means.append(ops.cast(mean, "float64"))
        squares.append(ops.cast(variance, "float64") + ops.square(means[-1]))
    return ops.concatenate(means), ops.concatenate(squares)


class PooledStatistics:
    """Statistics of all images, from those of batches."""

    def __init__(self):
        self._means = self._squares = self._images = 0

    def add(self, means, squares, images: int) -> None:
        """Adds a batch.

        Args:
            means: of `flat_statistics`, and so `squares`.
            squares: mean squares.
            images: of the batch.
        """
        self._means += images * np.asarray(means, "float64")
        self._squares += images * np.asarray(squares, "float64")
        self._images += images

    def by_layer(self, layers):
        """For each layer itself, its mean and its biased variance.

        Args:
            layers: in the order of `measured_batch_norms`.
        """
        means = self._means / self._images
        variances = self._squares / self._images - np.square(means)
        variances = np.maximum(variances, 0.0)
        start = 0
        for layer in layers:
            end = start + layer.moving_mean.shape[0]
            yield layer, means[start:end], variances[start:end]
            start = end


def _trainable_norms(model):
    return [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.trainable
    ]


def _call_by_batch(norm, found, inputs, training=None, mask=None):
    del training, mask
    outputs, mean, variance = normalized_by_batch(norm, inputs)
    found[norm] = mean, variance
    return outputs


def _measurement(model):
    """A function of a batch to layers, means and mean squares."""
    layers = []

    def flat(images):
        with measured_batch_norms(model) as found:
            model(images, training=False)
        layers[:] = found
        return flat_statistics(found)

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        flat = tf.function(flat, autograph=False, reduce_retracing=True)

    def measure(images):
        means, squares = map(ops.convert_to_numpy, flat(images))
        return layers, means, squares

    return measure


def _batches(images, batch_size):
    if not hasattr(images, "shape"):
        for batch in images:
            yield batch[0] if isinstance(batch, (tuple, list)) else batch
        return
    check_integer("batch_size", batch_size)
    for start in range(0, len(images), batch_size):
        yield ops.convert_to_tensor(images[start : start + batch_size])
