import keras
import numpy as np
import pytest

from nasnet_tf import InputError, drop_path_scope
from nasnet_tf.layers import ScheduledDropPath
from tests.conftest import images, tiny_network

DEPTHS = (0.25, 0.5, 1.0)


def _layer(**arguments):
    defaults = {"keep_prob": 0.6, "total_steps": 100}
    return ScheduledDropPath(DEPTHS, (1, 2, 3), **{**defaults, **arguments})


def test_schedule_by_depth_and_step():
    layer = _layer()
    expected = {
        0: [1.0] * 6,
        50: [0.95, 0.9, 0.9, 0.8, 0.8, 0.8],
        100: [0.9, 0.8, 0.8, 0.6, 0.6, 0.6],
        1000: [0.9, 0.8, 0.8, 0.6, 0.6, 0.6],
    }
    for step, keep in expected.items():
        np.testing.assert_allclose(layer.keep_probabilities(step), keep, 1e-6)


@pytest.mark.parametrize("step", [50, 100])
def test_kept_fraction_and_mean_over_10000_draws(step):
    layer = _layer()
    with drop_path_scope(step=step, seed=3):
        factors = layer(np.zeros((10_000, 4, 4, 3)), training=True)
    factors = np.concatenate([np.asarray(f) for f in factors], axis=1)
    keep = np.asarray(layer.keep_probabilities(step))
    for path in range(6):
        kept = (factors[:, path] > 0).mean()
        deviation = np.sqrt(keep[path] * (1 - keep[path]) / 10_000)
        assert abs(kept - keep[path]) < 4 * deviation
        values = np.unique(factors[:, path])
        np.testing.assert_allclose(values, [0, 1 / keep[path]], rtol=1e-6)
        assert abs(factors[:, path].mean() - 1) < 4 * deviation / keep[path]
    # Paths and examples are drawn apart from each other.
    correlation = np.corrcoef(factors.T) - np.eye(6)
    assert np.abs(correlation).max() < 0.05


def _draw(layer, **scope):
    with drop_path_scope(**scope):
        return np.asarray(layer(np.zeros((64, 2, 2, 3)), training=True)[2])


def test_draws_are_a_function_of_seed_and_step():
    layer = _layer()
    first = _draw(layer, step=100, seed=1)
    np.testing.assert_array_equal(first, _draw(_layer(), step=100, seed=1))
    assert (first != _draw(layer, step=100, seed=2)).any()
    assert (first != _draw(layer, step=101, seed=1)).any()


def test_counts_its_own_steps_without_a_scope():
    layer = _layer(seed=5)
    inputs = np.zeros((64, 2, 2, 3))
    assert (np.asarray(layer(inputs, training=True)[2]) == 1).all()
    assert int(layer.step.value) == 1
    layer.step.assign(100)
    mine = np.asarray(layer(inputs, training=True)[2])
    np.testing.assert_array_equal(mine, _draw(_layer(), step=100, seed=5))
    layer(inputs, training=False)
    assert int(layer.step.value) == 101


def test_off_when_not_training():
    for factors in _layer()(np.zeros((5, 2, 2, 3)), training=False):
        assert (np.asarray(factors) == 1).all()


def test_network_drops_operations_but_no_identity():
    model = tiny_network(drop_path_keep_prob=0.5, drop_path_total_steps=10)
    paths = [
        len(f.shape) and f.shape[1] for f in model.get_layer("drop_path").output
    ]
    assert paths == [8, 9, 8, 9, 8]
    plain = tiny_network()
    plain.set_weights(
        [v.numpy() for v in model.variables if "int" not in v.dtype]
    )
    inputs = images(4, 32, 32, 3)
    np.testing.assert_array_equal(model(inputs), plain(inputs))
    with drop_path_scope(step=10, seed=0):
        one = np.asarray(model(inputs, training=True))
    with drop_path_scope(step=10, seed=1):
        other = np.asarray(model(inputs, training=True))
    assert np.abs(one - other).max() > 1e-4


def test_bad_arguments():
    with pytest.raises(InputError, match="drop_path_keep_prob: 1"):
        _layer(keep_prob=1.5)
    with pytest.raises(InputError, match="drop_path_total_steps: 0"):
        _layer(total_steps=0)


def test_config_round_trip():
    layer = _layer(seed=9)
    clone = ScheduledDropPath.from_config(layer.get_config())
    assert clone.get_config() == layer.get_config()
    assert (
        keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(layer)
        ).depths
        == layer.depths
    )
