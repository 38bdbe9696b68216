"""Files of timm's nasnetalarge."""

import numpy as np
import pytest

from nasnet_tf import InputError, load_weights
from nasnet_tf.weights.names import timm_name
from nasnet_tf.weights.source import TIMM, WeightsSource
from nasnet_tf.zoo.conversion import infer_preset
from tests.conftest import images, line_of, randomize, tiny_network
from tests.weights.weight_files import weights_of

safetensors = pytest.importorskip(
    "safetensors.numpy", reason="safetensors, of the extra hub, is missing"
)

# Of timm's own file: names that nothing here made, and their ends of shapes.
KNOWN = {
    "conv0.conv.weight": (3, 3),
    "conv0.bn.running_var": (),
    "cell_stem_0.conv_1x1.conv.weight": (1, 1),
    "cell_stem_0.comb_iter_0_right.separable_1.depthwise_conv2d.weight": (7, 7),
    "cell_stem_1.path_2.conv.weight": (1, 1),
    "cell_stem_1.final_path_bn.weight": (),
    "cell_0.comb_iter_0_left.separable_2.pointwise_conv2d.weight": (1, 1),
    "cell_1.conv_prev_1x1.bn.bias": (),
    "reduction_cell_0.comb_iter_4_left.bn_sep_2.running_mean": (),
    "last_linear.weight": (),
}


def network(**arguments):
    options = {
        "stem": "imagenet",
        "num_cells": 2,
        "skip_reduction_layer_input": True,
    }
    return tiny_network(**{**options, **arguments})


def torch_order(value):
    """A weight as torch has it; of one channel for each, depthwise."""
    if value.ndim == 4:
        order = (2, 3, 0, 1) if value.shape[3] == 1 else (3, 2, 0, 1)
        return np.ascontiguousarray(value.transpose(order))
    return np.ascontiguousarray(value.T)


@pytest.fixture(scope="module")
def model():
    return randomize(network())


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("timm") / "model.safetensors"
    tensors = {
        timm_name(name, model.plan): torch_order(value)
        for name, value in weights_of(model).items()
    }
    for name, end in KNOWN.items():
        assert tensors[name].shape[2:] == end
    counter = {"conv0.bn.num_batches_tracked": np.array(7)}
    safetensors.save_file(tensors | counter, path)
    return path


def test_loaded_by_name(model, path):
    other = network()
    report = load_weights(other, path)
    assert (report.naming, report.classes) == ("timm", 10)
    assert report.tensors == len(weights_of(model))
    inputs = images(2, 32, 32, 3)
    np.testing.assert_array_equal(other(inputs), model(inputs))
    features = network(include_top=False)
    assert load_weights(features, path).skipped == ("classifier",)


def test_what_does_not_fit_is_one_line(path, tmp_path):
    def refusal(model, path=path):
        with pytest.raises(InputError) as error:
            load_weights(model, path)
        return line_of(error)

    assert "build it with classes=10" in refusal(network(classes=7))
    assert "timm's NASNet-A" in refusal(network(genotype="NASNET_B"))
    assert "auxiliary" in refusal(
        network(auxiliary_head=True, input_shape=(96, 96, 3))
    )
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(path.read_bytes()[:-1000])
    assert "may be damaged" in refusal(network(), damaged)
    other = tmp_path / "other.safetensors"
    safetensors.save_file({"bert.weight": np.zeros((2, 2), "float32")}, other)
    assert "holds no NASNet but bert.weight" in refusal(network(), other)


def test_the_preset_is_found():
    tensors = {
        f"cell_{n}.conv_1x1.conv.weight": np.zeros((1, 1, 1, 168 << n // 6))
        for n in range(18)
    }
    tensors["conv0.conv.weight"] = np.zeros((3, 3, 3, 96))
    source = WeightsSource("a.safetensors", "safetensors", TIMM, tensors)
    assert infer_preset(source) == "nasnet_a_large"
