import gzip
import json
import pathlib

import keras
import numpy as np
import pytest

import nasnet_tf
from nasnet_tf import InputError, load_weights
from nasnet_tf.networks.variables import is_weight, named_variables
from nasnet_tf.weights.names import slim_name
from tests.conftest import images, randomize, tiny_network
from tests.weights.weight_files import (
    slim_tensors,
    weights_of,
    write_checkpoint,
)

DATA = pathlib.Path(__file__).parents[1] / "fixtures"


def test_the_network_agrees_with_slim_at_every_end_point():
    model = tiny_network(num_cells=2, batch_norm_epsilon=1e-5)
    report = load_weights(model, DATA / "slim_cifar_32" / "model.ckpt")
    assert (report.tensors, report.classes, report.averaged) == (584, 10, 0)
    assert "584 plain" in str(report)
    with np.load(DATA / "slim_cifar_32" / "end_points.npz") as expected:
        expected = dict(expected)
    end_points = keras.Model(model.input, model.end_points)
    found = end_points(expected.pop("images"), training=False)
    assert found.keys() == expected.keys() and len(found) == 12
    for name, value in expected.items():
        actual = np.array(found[name])
        actual = actual[..., ::5] if actual.ndim == 4 else actual
        bound = 1e-5 if name == "logits" else 5e-5
        assert np.abs(actual - value).max() < bound, name


@pytest.mark.parametrize(
    ("preset", "classes"),
    [
        ("nasnet_a_mobile", 1001),
        pytest.param("nasnet_a_large", 1001, marks=pytest.mark.slow),
        pytest.param("nasnet_a_cifar_6_768", 10, marks=pytest.mark.slow),
    ],
)
def test_every_variable_of_the_full_networks_has_slims_name_and_shape(
    preset, classes
):
    text = gzip.decompress((DATA / "slim_names.json.gz").read_bytes())
    expected = json.loads(text)[preset]
    model = nasnet_tf.from_preset(preset, auxiliary_head=True, classes=classes)
    found = [
        (slim_name(name, model.plan), list(variable.shape))
        for name, variable in named_variables(model).items()
        if is_weight(name)
    ]
    assert dict(found) == expected and len(found) == len(expected)


@pytest.fixture(scope="module")
def network():
    return randomize(tiny_network())


def test_averages_are_read_one_by_one(network, tmp_path):
    averages = slim_tensors(network)
    plain = {name: value + 1 for name, value in averages.items()}
    lone = "cell_1/1x1/weights"
    shadows = {
        f"{name}/ExponentialMovingAverage": value
        for name, value in averages.items()
        if name != lone
    }
    slots = {f"{lone}/{slot}": plain[lone] for slot in ("RMSProp", "Momentum")}
    path = write_checkpoint(tmp_path / "model", {**plain, **shadows, **slots})
    for option in ("auto", "average"):
        other = tiny_network()
        report = load_weights(other, path, slim_variables=option)
        assert report.averaged == len(plain) - 1
        for name, value in slim_tensors(other).items():
            expected = plain[lone] if name == lone else averages[name]
            np.testing.assert_array_equal(value, expected)
    report = load_weights(other, f"{path}.index", slim_variables="plain")
    assert report.averaged == 0 and report.tensors == len(plain)
    for name, value in slim_tensors(other).items():
        np.testing.assert_array_equal(value, plain[name])
    path = write_checkpoint(tmp_path / "plain", plain)
    with pytest.raises(InputError, match="holds no moving averages"):
        load_weights(other, path, slim_variables="average")


def test_a_checkpoint_may_hold_averages_alone(network, tmp_path):
    shadows = {
        f"{name}/ExponentialMovingAverage": value
        for name, value in slim_tensors(network).items()
    }
    path = write_checkpoint(tmp_path / "model", shadows)
    other = tiny_network()
    assert load_weights(other, path).averaged == len(shadows)
    x = images(1, 32, 32, 3)
    np.testing.assert_array_equal(other(x), network(x))


def test_the_background_class_is_dropped(tmp_path):
    slim = randomize(tiny_network(classes=1001, auxiliary_head=True))
    path = write_checkpoint(tmp_path / "model", slim_tensors(slim))
    model = tiny_network(classes=1000, auxiliary_head=True)
    report = load_weights(model, path)
    assert report.background_dropped and report.classes == 1001
    assert report.skipped == ()
    found, stored = weights_of(model), weights_of(slim)
    for name in found:
        value = stored[name]
        if "logits" in name:
            value = value[..., 1:]
        np.testing.assert_array_equal(found[name], value)
    same = tiny_network(classes=1001)
    report = load_weights(same, path)
    assert not report.background_dropped
    assert report.skipped == ("auxiliary head",)
    np.testing.assert_array_equal(
        weights_of(same)["logits/kernel"], stored["logits/kernel"]
    )
    bare = tiny_network(include_top=False)
    assert load_weights(bare, path).skipped == ("classifier", "auxiliary head")
    name = "cell_2/block_0_left/norm_1/moving_mean"
    np.testing.assert_array_equal(weights_of(bare)[name], stored[name])


@pytest.mark.parametrize("classes", [9, 11])
def test_other_numbers_of_classes_are_refused(network, tmp_path, classes):
    path = write_checkpoint(tmp_path / "model", slim_tensors(network))
    with pytest.raises(InputError, match="build it with classes=10") as error:
        load_weights(tiny_network(classes=classes), path)
    assert f"final_layer/FC/biases (10,) for ({classes},)" in str(error.value)


def test_an_auxiliary_head_that_the_file_lacks_is_listed(network, tmp_path):
    path = write_checkpoint(tmp_path / "model", slim_tensors(network))
    model = tiny_network(auxiliary_head=True)
    with pytest.raises(InputError) as error:
        load_weights(model, path)
    assert "12 missing: aux_1/aux_logits/proj/weights" in str(error.value)


def test_slim_has_no_names_for_other_operations(network, tmp_path):
    path = write_checkpoint(tmp_path / "model", slim_tensors(network))
    with pytest.raises(InputError, match="no variable for cell_0/block_1_norm"):
        load_weights(tiny_network("NASNET_C"), path)
