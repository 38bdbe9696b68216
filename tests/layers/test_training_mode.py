"""Batch norm, rematerialisation and gradients against plain Keras."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import nasnet_tf
from nasnet_tf.layers import BatchNormalization
from tests.conftest import close, images, named, randomize, slow, tiny_network
from tests.training.jobs import one_block


@pytest.mark.parametrize("shape", [(8, 5, 7, 6), (1, 1, 1, 6)])
@pytest.mark.parametrize("training", [True, False])
def test_fused_batch_norm_is_keras_batch_norm(shape, training):
    arguments = {"momentum": 0.8, "epsilon": 1e-5}
    layers = [
        BatchNormalization(**arguments),
        keras.layers.BatchNormalization(**arguments),
    ]
    x = tf.constant(images(*shape) * 3 + 1)
    results = []
    for layer in layers:
        layer.build(shape)
        generator = np.random.default_rng(1)
        layer.set_weights([generator.uniform(0.5, 1.5, 6) for _ in range(4)])
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
            loss = tf.reduce_sum(y**3)
        gradients = tape.gradient(
            loss, [x, layer.gamma.value, layer.beta.value]
        )
        results.append([y, *gradients, *layer.get_weights()])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=2e-4)


def test_batch_norm_that_cannot_be_fused_takes_the_keras_path():
    layer = BatchNormalization(dtype="float64")
    x = images(4, 3, 3, 2).astype("float64")
    assert layer(x, training=True).dtype == "float64"
    plain = keras.layers.BatchNormalization(dtype="float64")
    np.testing.assert_array_equal(
        layer(x, training=True), plain(x, training=True)
    )


def _step(model, inputs, step=7):
    """Loss, gradients and new statistics of a training step in a graph."""

    @tf.function(autograph=False)
    def run():
        with (
            tf.GradientTape() as tape,
            nasnet_tf.drop_path_scope(step=step, seed=11),
        ):
            outputs = model(inputs, training=True)
            loss = tf.reduce_mean(tf.square(outputs))
        variables = [v.value for v in model.trainable_variables]
        return loss, tape.gradient(loss, variables)

    loss, gradients = run()
    names = {id(v): n for n, v in named(model).items()}
    gradients = {
        names[id(v)]: g
        for v, g in zip(model.trainable_variables, gradients, strict=True)
    }
    state = {names[id(v)]: v.numpy() for v in model.non_trainable_variables}
    return loss, gradients, state


@pytest.mark.parametrize(
    "genotype", [one_block(), *map(slow, ("NASNET_A", "NASNET_B", "NASNET_C"))]
)
def test_rematerialised_equals_plain(genotype):
    inputs = tf.constant(images(4, 32, 32, 3))
    results = []
    for rematerialize in (False, True):
        model = tiny_network(
            genotype,
            rematerialize=rematerialize,
            drop_path_keep_prob=0.5,
            drop_path_total_steps=10,
        )
        results.append(_step(randomize(model), inputs))
    (loss, gradients, state), (loss_2, gradients_2, state_2) = results
    np.testing.assert_allclose(loss, loss_2, rtol=1e-6)
    close(state_2, state, 1e-6)
    for name, gradient in gradients.items():
        # A norm after a norm leaves gradients that are 0 but for rounding.
        scale = float(np.abs(gradient).max()) + 1e-3
        close(gradients_2[name] / scale, gradient / scale, 2e-5)


def test_rematerialised_gradients_are_not_counted_twice_in_eager_mode():
    norms = []
    for rematerialize in (False, True):
        model = tiny_network(
            rematerialize=rematerialize, classifier_activation=None
        )
        randomize(model)
        with tf.GradientTape() as tape:
            outputs = model(images(4, 32, 32, 3), training=True)
            loss = tf.reduce_mean(tf.square(outputs))
        variables = [v.value for v in model.trainable_variables]
        norms.append(
            float(tf.linalg.global_norm(tape.gradient(loss, variables)))
        )
    assert norms[1] == pytest.approx(norms[0], rel=1e-4)


def test_moving_statistics_move_once():
    model = randomize(tiny_network(rematerialize=True))
    before = named(model)["cell_0/input_0/norm_1/moving_mean"].numpy()
    inputs = images(4, 32, 32, 3)
    plain = tiny_network()
    plain.set_weights(model.get_weights())
    plain(inputs, training=True)
    model(inputs, training=True)
    after = named(model)["cell_0/input_0/norm_1/moving_mean"].numpy()
    expected = named(plain)["cell_0/input_0/norm_1/moving_mean"].numpy()
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, expected, atol=1e-6)


@pytest.mark.parametrize("rematerialize", [False, True])
def test_a_keras_fit_learns(rematerialize):
    keras.utils.set_random_seed(0)
    labels = np.arange(64) % 2
    inputs = images(64, 32, 32, 3) * 0.2 + labels[:, None, None, None]
    model = tiny_network(one_block(), classes=2, rematerialize=rematerialize)
    model.compile(
        optimizer=keras.optimizers.SGD(0.05, momentum=0.9),
        loss="sparse_categorical_crossentropy",
        jit_compile=False,
    )
    history = model.fit(inputs, labels, batch_size=32, epochs=6, verbose=0)
    assert history.history["loss"][-1] < 0.3 * history.history["loss"][0]
