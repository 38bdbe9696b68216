"""Every published network at a small size, and the large one at its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import close, images, named, randomize

import nasnet_tf

pytestmark = pytest.mark.slow


def _shape(preset):
    side = nasnet_tf.get_preset(preset).input_size
    return (32, 32, 3) if side == 32 else (64, 64, 3)


@pytest.mark.parametrize("preset", nasnet_tf.list_presets())
def test_mixed_precision(preset):
    shape = _shape(preset)
    arguments = {"input_shape": shape, "classifier_activation": None}
    exact = randomize(nasnet_tf.from_preset(preset, **arguments))
    inputs = images(2, *shape)
    expected = np.asarray(exact(inputs))
    for policy in ("mixed_float16", "mixed_bfloat16"):
        model = nasnet_tf.from_preset(preset, dtype=policy, **arguments)
        model.set_weights(exact.get_weights())
        assert model.get_layer("cell_1").compute_dtype in policy
        outputs = model(inputs)
        assert outputs.dtype == "float32"
        close(outputs, expected, 0.1)


@pytest.mark.parametrize("preset", nasnet_tf.list_presets())
def test_rematerialised_equals_plain(preset):
    shape = _shape(preset)
    inputs = tf.constant(images(2, *shape))
    results = []
    for rematerialize in (False, True):
        model = nasnet_tf.from_preset(
            preset,
            input_shape=shape,
            rematerialize=rematerialize,
            drop_path_keep_prob=0.7,
            drop_path_total_steps=10,
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
