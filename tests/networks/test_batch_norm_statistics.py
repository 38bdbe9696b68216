"""Batch-norm statistics measured over images, against NumPy."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

import nasnet_tf
from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.batch_norm_statistics import measured_batch_norms
from nasnet_tf.networks.variables import is_statistic
from tests.conftest import (
    close,
    images,
    line_of,
    named,
    randomize,
    tiny_network,
)
from tests.training.jobs import one_block


@pytest.fixture(scope="module")
def network():
    return tiny_network(drop_path_keep_prob=0.5, drop_path_total_steps=10)


@pytest.fixture
def model(network):
    return randomize(network)


def statistics_of(inputs):
    return inputs.mean((0, 1, 2)), inputs.var((0, 1, 2))


def test_statistics_are_those_of_all_images(model):
    before = {name: v.numpy() for name, v in named(model).items()}
    batch = images(7, 32, 32, 3)
    assert nasnet_tf.recalibrate_batch_norm(model, batch, batch_size=5) == 7
    stem = keras.Model(model.input, model.get_layer("stem").output)
    mean, variance = statistics_of(np.asarray(stem(batch)))
    norm = model.get_layer("stem_norm")
    np.testing.assert_allclose(norm.moving_mean, mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, variance, rtol=1e-5)
    for name, variable in named(model).items():
        same = np.array_equal(variable.numpy(), before[name])
        assert same != is_statistic(name), name


def test_a_batch_is_then_read_as_in_training():
    model = randomize(tiny_network())
    batch = images(6, 32, 32, 3)
    expected = model(batch, training=True)
    nasnet_tf.recalibrate_batch_norm(model, batch, batch_size=6)
    close(model(batch, training=False), expected, 1e-4)


def test_frozen_layers_keep_theirs(model):
    norm = model.get_layer("stem_norm")
    before = norm.moving_mean.numpy()
    norm.trainable = False
    nasnet_tf.recalibrate_batch_norm(model, images(4, 32, 32, 3))
    norm.trainable = True
    np.testing.assert_array_equal(norm.moving_mean, before)
    model.trainable = False
    with pytest.raises(InputError) as error:
        nasnet_tf.recalibrate_batch_norm(model, images(4, 32, 32, 3))
    model.trainable = True
    assert "no batch norm that is trainable" in line_of(error)


def test_batches_of_any_kind_give_the_same(model):
    batch = images(8, 32, 32, 3)
    expected = None
    for given in (
        batch,
        tf.data.Dataset.from_tensor_slices((batch, np.zeros(8))).batch(4),
        iter([batch[:4], batch[4:]]),
    ):
        randomize(model)
        assert nasnet_tf.recalibrate_batch_norm(model, given, 4) == 8
        found = {n: v.numpy() for n, v in named(model).items()}
        expected = expected or found
        close(found, expected, 1e-6)
    with pytest.raises(InputError, match="none given"):
        nasnet_tf.recalibrate_batch_norm(model, [])


@pytest.mark.parametrize("options", [{}, {"scale": False, "axis": 1}])
def test_a_network_in_a_model_of_ones_own(model, options):
    inputs = keras.Input((32, 32, 3))
    norm = keras.layers.BatchNormalization(**options)
    outer = keras.Model(inputs, norm(model(inputs)))
    batch = images(6, 32, 32, 3)
    nasnet_tf.recalibrate_batch_norm(outer, batch)
    close(norm.moving_mean.numpy(), np.asarray(model(batch)).mean(0), 0.05)
    with measured_batch_norms(outer) as found:
        outer(batch, training=False)
    mean, _ = found[norm]
    np.testing.assert_allclose(mean, norm.moving_mean, rtol=1e-4, atol=1e-5)


def test_threads_record_apart(model):
    """As replicas of a strategy do, which are traced by turns."""
    norm, other = model.get_layer("stem_norm"), []
    with measured_batch_norms(model) as found:
        model(images(2, 32, 32, 3), training=False)
        before = np.asarray(found[norm][0])

        def replica():
            model(images(2, 32, 32, 3, seed=1), training=False)
            other.append(np.asarray(found[norm][0]))

        thread = threading.Thread(target=replica)
        thread.start()
        thread.join()
        np.testing.assert_array_equal(found[norm][0], before)
    assert np.abs(other[0] - before).max() > 1e-4


def test_nothing_is_left_behind(model):
    with pytest.raises(ZeroDivisionError), measured_batch_norms(model):
        raise ZeroDivisionError
    assert "call" not in vars(model.get_layer("stem_norm"))


def test_under_fit_the_validation_is_of_the_network_that_training_made():
    keras.utils.set_random_seed(0)
    model = nasnet_tf.NASNet(
        one_block(),
        num_cells=1,
        penultimate_filters=32,
        stem="cifar",
        batch_norm_momentum=0.9997,
        input_shape=(32, 32, 3),
        classes=2,
    )
    loss = "sparse_categorical_crossentropy"
    adam = keras.optimizers.Adam(0.02)
    model.compile(adam, loss, metrics=["accuracy"])
    # Two kinds of images that any network tells apart.
    labels = np.arange(32) % 2
    batch = images(32, 32, 32, 3) + labels[:, None, None, None]
    callback = nasnet_tf.RecalibrateBatchNorm(batch, batch_size=32)
    options = {"epochs": 3, "batch_size": 16, "verbose": 0, "shuffle": False}
    history = model.fit(
        batch,
        labels,
        validation_data=(batch, labels),
        callbacks=[callback],
        **options,
    ).history
    loss, accuracy = model.evaluate(batch, labels, verbose=0)
    assert history["val_accuracy"][-1] == pytest.approx(accuracy)
    assert history["val_loss"][-1] == pytest.approx(loss, rel=1e-4)
    assert accuracy > 0.9


def test_the_momentum_fits_the_stem():
    """As TF-slim has them; another given stays."""
    for stem, momentum in (("cifar", 0.9), ("imagenet", 0.9997)):
        made = nasnet_tf.NASNet("NASNET_A", 1, 192, stem=stem)
        assert made.get_config()["batch_norm_momentum"] == momentum
        norm = next(
            layer for layer in made.layers if layer.name.endswith("_norm")
        )
        assert norm.momentum == momentum
    made = tiny_network(batch_norm_momentum=0.5)
    assert made.get_config()["batch_norm_momentum"] == 0.5
