"""Batch-norm statistics measured anew, for the weights that a network has.

Moving statistics lag behind the weights by 1 / (1 - momentum) steps. A network
that was trained for fewer than many times that is another one at inference: it
reads its own training images at chance. Measured over images, as in "Rethinking
batch in BatchNorm" (Wu and Johnson 2021, section 3), they fit the weights.
"""

import contextlib
import functools
import threading

import keras
import numpy as np
from keras import ops

from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.errors import InputError
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
    if not trained_norms(model):
        raise InputError(
            f"model: {model.name} has no batch norm that is trainable; its "
            "statistics are what it was trained with"
        )
    measure, pooled = batch_statistics(model), PooledStatistics()
    for batch in _batches(images, batch_size):
        means, squares = measure(batch)
        pooled.add(means, squares, len(batch))
    if not pooled.images:
        raise InputError("images: none given; give some of the training images")
    for layer, mean, variance in by_layer(
        trained_norms(model), *pooled.result()
    ):
        layer.moving_mean.assign(mean)
        layer.moving_variance.assign(variance)
    return pooled.images


@contextlib.contextmanager
def measured_statistics(model, images, batch_size: int = 32):
    """Inside, a model has measured statistics; then its own again.

    Args:
        model: see `recalibrate_batch_norm`.
        images: see there; None: nothing changes.
        batch_size: of an array.
    """
    norms = [] if images is None else trained_norms(model)
    moving = [
        (variable, ops.convert_to_numpy(variable))
        for norm in norms
        for variable in (norm.moving_mean, norm.moving_variance)
    ]
    if norms:
        recalibrate_batch_norm(model, images, batch_size)
    try:
        yield model
    finally:
        for variable, value in moving:
            variable.assign(value)


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


def trained_norms(model) -> list:
    """The batch norms of a model that are trainable, nested ones too."""
    return [
        layer
        # `layers` has none that are nested.
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.trainable
    ]


@contextlib.contextmanager
def measured_batch_norms(model):
    """Inside, trainable batch norms normalise by their batch and record it.

    Whatever `training` says, and without a change of their moving statistics;
    all other layers follow `training`. It holds for calls inside, also those
    that are traced.

    Args:
        model: any Keras model.

    Yields:
        What each call fills: `(mean, biased variance)` by layer, of the calls
        of the thread that looks it up.
    """
    found, norms = _Measured(), trained_norms(model)
    for norm in norms:
        # Past Keras, which tracks what is set.
        call = functools.partial(_call_by_batch, norm, found)
        object.__setattr__(norm, "call", call)
    try:
        yield found
    finally:
        for norm in norms:
            object.__delattr__(norm, "call")


class _Measured(threading.local):
    """By layer, and by thread: replicas are traced in threads by turns."""

    def __init__(self):
        self._found = {}

    def __setitem__(self, layer, statistics):
        self._found[layer] = statistics

    def __getitem__(self, layer):
        return self._found[layer]


def flat_statistics(model, images, found) -> tuple:
    """The means and the mean squares of a batch, as two vectors of float64.

    In the order of `trained_norms`. They average over batches and replicas, as
    means and variances do not.

    Args:
        model: any Keras model.
        images: as it takes them.
        found: of `measured_batch_norms(model)`, inside which this is called;
            of several replicas inside one.
    """
    model(images, training=False)
    means, squares = [], []
    for norm in trained_norms(model):
        mean, variance = found[norm]
        # In float32 a variance would drown in a large mean.
        means.append(ops.cast(mean, "float64"))
        squares.append(ops.cast(variance, "float64") + ops.square(means[-1]))
    return ops.concatenate(means), ops.concatenate(squares)


class PooledStatistics:
    """Statistics of all images, from those of batches."""

    def __init__(self):
        self._means: np.ndarray | float = 0.0
        self._squares: np.ndarray | float = 0.0
        self.images = 0

    def add(self, means, squares, images: int) -> None:
        """Adds a batch.

        Args:
            means: of `flat_statistics`, and so `squares`.
            squares: mean squares.
            images: of the batch.
        """
        self._means += images * np.asarray(means, "float64")
        self._squares += images * np.asarray(squares, "float64")
        self.images += images

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """The means and the biased variances."""
        means = np.asarray(self._means / self.images)
        variances = self._squares / self.images - np.square(means)
        # Rounding can leave less than 0.
        return means, np.maximum(variances, 0.0)


def by_layer(layers, means, variances):
    """Each of some layers with its part of flat statistics."""
    start = 0
    for layer in layers:
        end = start + layer.moving_mean.shape[0]
        yield layer, means[start:end], variances[start:end]
        start = end


def _call_by_batch(norm, found, inputs, training=None, mask=None):
    del training, mask
    outputs, mean, variance = normalized_by_batch(norm, inputs)
    found[norm] = mean, variance
    return outputs


def batch_statistics(model):
    """`flat_statistics` of a model as a function of a batch, to arrays."""

    def flat(images):
        with measured_batch_norms(model) as found:
            return flat_statistics(model, images, found)

    if keras.backend.backend() == "tensorflow":
        # JAX and torch do without it.
        import tensorflow as tf

        # The last batch may be shorter: not traced for each length.
        flat = tf.function(flat, autograph=False, reduce_retracing=True)

    def measure(images):
        return [ops.convert_to_numpy(vector) for vector in flat(images)]

    return measure


def _batches(images, batch_size):
    if not hasattr(images, "shape"):
        for batch in images:
            yield batch[0] if isinstance(batch, (tuple, list)) else batch
        return
    check_integer("batch_size", batch_size)
    for start in range(0, len(images), batch_size):
        yield ops.convert_to_tensor(images[start : start + batch_size])
