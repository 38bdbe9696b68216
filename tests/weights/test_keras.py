import shutil

import h5py
import keras
import numpy as np
import pytest

import nasnet_tf
from nasnet_tf import InputError, load_weights
from nasnet_tf.networks.variables import named_variables
from tests.conftest import close, images, randomize, slow, tiny_network
from tests.weights.weight_files import weights_of, write_keras_2

TRAINING = {
    "drop_path_keep_prob": 0.8,
    "drop_path_total_steps": 10,
    "dropout_rate": 0.5,
    "auxiliary_head": True,
}


def _assert_equal(model, other):
    expected = weights_of(other)
    for name, value in weights_of(model).items():
        np.testing.assert_array_equal(value, expected[name])


def test_our_files_of_every_format(tmp_path):
    model = randomize(tiny_network(**TRAINING))
    model.compile("adam", "mse")
    plain = tiny_network()
    model.save(tmp_path / "whole.keras")
    model.save_weights(tmp_path / "a.weights.h5")
    model.save(tmp_path / "legacy.h5")
    # The content says what a file is.
    shutil.move(tmp_path / "whole.keras", tmp_path / "whole.bin")
    for name in ("whole.bin", "a.weights.h5", "legacy.h5"):
        other = tiny_network(**TRAINING)
        step = named_variables(other)["drop_path/step"]
        step.assign(5)
        report = load_weights(other, tmp_path / name)
        _assert_equal(other, model)
        assert (report.naming, report.classes) == ("nasnet_tf", 10)
        assert report.tensors == len(weights_of(model))
        assert int(step) == 5
        report = load_weights(plain, str(tmp_path / name))
        assert report.skipped == ("auxiliary head",)
        _assert_equal(plain, model)


@pytest.mark.parametrize("genotype", ["NASNET_B", slow("NASNET_C")])
def test_our_files_of_other_genotypes(genotype, tmp_path):
    model = randomize(tiny_network(genotype))
    model.save_weights(tmp_path / "a.weights.h5")
    other = tiny_network(genotype)
    load_weights(other, tmp_path / "a.weights.h5")
    _assert_equal(other, model)


def test_folded_files(tmp_path):
    # Dropout has a seed, which is no weight.
    arguments = {**TRAINING, "skip_reduction_layer_input": True}
    folded = nasnet_tf.fold_batch_norm(randomize(tiny_network(**arguments)))
    folded.save(tmp_path / "whole.keras")
    folded.save_weights(tmp_path / "a.weights.h5")
    folded.save(tmp_path / "legacy.h5")
    expected = weights_of(folded)
    assert any(name.endswith("/input_1_halving_0/bias") for name in expected)
    other = nasnet_tf.fold_batch_norm(tiny_network(**arguments))
    for name in ("whole.keras", "a.weights.h5", "legacy.h5"):
        for variable in other.weights:
            variable.assign(keras.ops.zeros_like(variable))
        report = load_weights(other, tmp_path / name)
        assert report.tensors == len(expected)
        _assert_equal(other, folded)


def test_bfloat16_weights(tmp_path):
    model = randomize(tiny_network(dtype="bfloat16"))
    model.save_weights(tmp_path / "a.weights.h5")
    other = tiny_network()
    load_weights(other, tmp_path / "a.weights.h5")
    stored = weights_of(other)
    for name, value in weights_of(model).items():
        np.testing.assert_array_equal(value.astype("float32"), stored[name])


@pytest.mark.parametrize("whole_model", [True, slow(False)])
def test_keras_2_files(whole_model, tmp_path):
    arguments = {"stem": "imagenet", "stem_multiplier": 1}
    model = randomize(tiny_network(**arguments))
    path = write_keras_2(tmp_path / "k2.h5", model, whole_model)
    other = tiny_network(**arguments)
    report = load_weights(other, path)
    assert report.format == "Keras 2 .h5"
    assert report.naming == "keras.applications"
    _assert_equal(other, model)
    bare = tiny_network(include_top=False, **arguments)
    assert load_weights(bare, path).skipped == ("classifier",)
    with pytest.raises(InputError, match="another genotype"):
        load_weights(tiny_network("NASNET_C", **arguments), path)
    with pytest.raises(InputError, match=r"has no layer for stem/kernel"):
        load_weights(tiny_network(), path)


def _without_names(path, target):
    """As earlier versions of Keras 3 wrote it."""
    shutil.copy(path, target)
    with h5py.File(target, "a") as file:
        file.visititems(lambda _, item: item.attrs.pop("name", None))
    return target


def _reference(size):
    model = randomize(
        keras.applications.NASNetMobile(
            (size, size, 3), weights=None, classifier_activation=None
        )
    )
    x = images(2, size, size, 3)
    return model, x, np.array(model(x, training=False))


def _check_file(path, x, expected):
    model = nasnet_tf.NASNetMobile(
        weights=path,
        padding="keras",
        input_shape=x.shape[1:],
        classifier_activation=None,
    )
    assert np.abs(expected).max() > 1
    close(model(x, training=False), expected, 1e-5)
    return model


def test_the_network_agrees_with_keras_applications(tmp_path):
    reference, x, expected = _reference(64)
    path = tmp_path / "a.weights.h5"
    reference.save_weights(path)
    model = _check_file(path, x, expected)
    stored = {name: v.copy() for name, v in weights_of(model).items()}
    reference.save(tmp_path / "a.keras")
    nameless = _without_names(path, tmp_path / "nameless.weights.h5")
    for other in (tmp_path / "a.keras", nameless):
        for variable in model.weights:
            variable.assign(keras.ops.zeros_like(variable))
        assert load_weights(model, other).tensors == 1126
        for name, value in weights_of(model).items():
            np.testing.assert_array_equal(value, stored[name])


@pytest.mark.slow
def test_files_of_tf_keras(tmp_path):
    tf_keras = pytest.importorskip("tf_keras")
    reference, x, expected = _reference(224)
    model = tf_keras.applications.NASNetMobile(
        weights=None, classifier_activation=None
    )
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(reference.get_layer(layer.name).get_weights())
    model.save_weights(tmp_path / "weights.h5")
    model.save(tmp_path / "whole.h5")
    model.save_weights(tmp_path / "positional.weights.h5")
    reference.save_weights(tmp_path / "a.weights.h5")
    reference.save(tmp_path / "a.keras")
    for path in tmp_path.iterdir():
        _check_file(path, x, expected)
