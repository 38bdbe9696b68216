"""Networks and weights that several tests share."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

import nasnet_tf


def pytest_collection_finish(session):
    """Keeps the libraries' millions of objects out of each collection."""
    del session
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def tiny_network(genotype="NASNET_A", **arguments):
    """A network of one cell a group, F = 8, for 32x32 images."""
    divisor = nasnet_tf.get_genotype(genotype).filters_divisor
    defaults = {
        "num_cells": 1,
        "penultimate_filters": 8 * divisor,
        "stem": "cifar",
        "stem_multiplier": 3,
        "input_shape": (32, 32, 3),
        "classes": 10,
        "batch_norm_momentum": 0.9,
    }
    return nasnet_tf.NASNet(genotype, **{**defaults, **arguments})


def randomize(model, seed=0):
    """Fills every weight, batch-norm statistics included, from a seed."""
    generator = np.random.default_rng(seed)
    for name, variable in sorted(named(model).items()):
        shape = variable.shape
        if name.endswith(("variance", "gamma")):
            value = generator.uniform(0.5, 1.5, shape)
        elif name.endswith("kernel"):
            fan_in = np.prod(shape[:-1])
            if "depthwise" in name:
                fan_in = shape[0] * shape[1]
            value = generator.normal(0, (2 / fan_in) ** 0.5, shape)
        elif "int" in variable.dtype:
            continue
        else:
            value = generator.normal(0, 0.1, shape)
        variable.assign(value.astype("float32"))
    return model


def named(model):
    if isinstance(model, nasnet_tf.NASNet):
        return nasnet_tf.networks.variables.named_variables(model)
    return {
        f"{layer.name}/{variable.name}": variable
        for layer in model.layers
        for variable in layer.variables
    }


def images(*shape, seed=0):
    """Random images in [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def close(actual, expected, tolerance):
    """Asserts a bound on the largest difference of two (dicts of) arrays.

    Relative to the largest value, where that is above 1.
    """
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for key in expected:
            close(actual[key], expected[key], tolerance)
        return
    actual, expected = map(keras.ops.convert_to_numpy, (actual, expected))
    assert actual.shape == expected.shape
    assert np.isfinite(actual).all()
    scale = max(1.0, np.abs(expected).max())
    assert np.abs(actual - expected).max() <= tolerance * scale


def slow(*values):
    """A case of a parametrized test for `make test-slow` alone."""
    return pytest.param(*values, marks=pytest.mark.slow)


def line_of(error):
    """The text of an error that `pytest.raises` caught: one line."""
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.fixture(scope="session")
def mobile():
    """NASNetMobile without a size, random weights and statistics."""
    return randomize(
        nasnet_tf.NASNetMobile(
            weights=None,
            classifier_activation=None,
            input_shape=(None, None, 3),
        )
    )


@pytest.fixture(scope="session")
def trained():
    """A small classifier, no NASNet, that knows digits."""
    from tests.export import digits_exports

    return digits_exports.train()


def first_digits(whole, training, held_out):
    """`nasnet_tf.data.digits.Digits` of the first so many of each part."""
    return type(whole)(
        whole.train_images[:training],
        whole.train_labels[:training],
        whole.held_out_images[:held_out],
        whole.held_out_labels[:held_out],
    )


@pytest.fixture(scope="module")
def few_digits():
    """A seventh of the digits: 208 to train on and 52 held out.

    Statistics are measured and evaluations made on all there are.
    """
    from nasnet_tf.data import digits

    few = first_digits(digits.load(), 208, 52)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digits, "load", lambda: few)
        yield few


@pytest.fixture
def short_timing(monkeypatch):
    """Exported files are timed as short as can be."""
    monkeypatch.setattr("export.job._TIMED_SECONDS", 0.0)
