"""Every published network at a small size, and the large one at its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import nasnet_tf
from tests.conftest import close, images, named, randomize

pytestmark = pytest.mark.slow


def _shape(preset):
    side = nasnet_tf.get_preset(preset).input_size
    return (32, 32, 3) if side == 32 else (64, 64, 3)


@pytest.mark.parametrize("preset", nasnet_tf.list_presets())
def test_mixed_precision(preset):
    shape = _shape(preset)
    arguments = {
        "input_shape": shape,
        "num_cells": 1,
        # The statistics of the last batch, so that no activation grows past
        # what float16 holds, as in a trained network.
        "batch_norm_momentum": 0.0,
    }
    exact = nasnet_tf.from_preset(preset, **arguments)
    inputs = images(16, *shape)
    exact(inputs, training=True)
    # Only the first cells are close: a deep random network magnifies any
    # rounding by half with every cell.
    expected = _first_outputs(exact)(inputs)
    for policy, bound in (("mixed_float16", 0.01), ("mixed_bfloat16", 0.08)):
        model = nasnet_tf.from_preset(preset, dtype=policy, **arguments)
        model.set_weights(exact.get_weights())
        outputs = _first_outputs(model)(inputs)
        for output, value in zip(outputs, expected, strict=True):
            assert output.dtype == policy.removeprefix("mixed_")
            error = np.asarray(output).astype("float32") - np.asarray(value)
            assert np.sqrt(np.mean(error**2)) < bound * np.std(value), policy
        predictions = model(inputs)
        assert predictions.dtype == "float32"
        close(tf.reduce_sum(predictions, -1), np.ones(16), 1e-5)


def _first_outputs(model):
    points = model.end_points
    return keras.Model(
        model.input, keras.tree.flatten([points["stem"], points["cell_0"]])
    )


@pytest.mark.parametrize("preset", nasnet_tf.list_presets())
def test_rematerialised_equals_plain(preset):
    shape = _shape(preset)
    inputs = tf.constant(images(2, *shape))
    results = []
    for rematerialize in (False, True):
        model = nasnet_tf.from_preset(
            preset,
            input_shape=shape,
            num_cells=1,
            rematerialize=rematerialize,
            drop_path_keep_prob=0.7,
            drop_path_total_steps=10,
            classifier_activation=None,
        )
        randomize(model)
        scope = nasnet_tf.drop_path_scope(step=5, seed=3)
        with scope, tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(inputs, training=True)))
        variables = [v.value for v in model.trainable_variables]
        norm = tf.linalg.global_norm(tape.gradient(loss, variables))
        state = {k: v.numpy() for k, v in named(model).items() if "mov" in k}
        results.append((float(loss), float(norm), state))
        del model, tape, variables
    (loss, norm, state), (loss_2, norm_2, state_2) = results
    assert loss_2 == pytest.approx(loss, rel=1e-6)
    assert norm_2 == pytest.approx(norm, rel=1e-3) and norm > 0
    close(state_2, state, 1e-5)


def test_large_at_331_is_that_of_keras_applications(tmp_path):
    theirs = randomize(keras.applications.NASNetLarge(weights=None))
    path = str(tmp_path / "large.weights.h5")
    theirs.save_weights(path)
    inputs = images(1, 331, 331, 3)
    features = keras.Model(theirs.input, theirs.layers[-2].output)
    expected = [np.asarray(theirs(inputs)), np.asarray(features(inputs))]
    del theirs, features
    ours = nasnet_tf.NASNetLarge(weights=path, padding="keras")
    points = ours.end_points
    pooled = keras.Model(ours.input, points["global_pool"])
    close(ours(inputs), expected[0], 1e-5)
    close(pooled(inputs), expected[1], 1e-5)
