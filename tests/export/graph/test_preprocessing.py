"""Preprocessing of arrays, and as part of the network."""

import keras
import numpy as np
import pytest
from keras import applications

import nasnet_tf
from export.graph import read_model
from export.graph.preprocessing import (
    PREPROCESSINGS,
    normalization,
    preprocess,
    with_uint8_input,
)
from nasnet_tf.checks.errors import InputError
from tests.conftest import line_of, randomize
from tests.export.exported_graphs import assert_computes

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 12, 16, 3), "uint8")
# Others' word for each.
OTHERS = {
    "scale": applications.mobilenet_v2.preprocess_input,
    "whitening": lambda x: nasnet_tf.preprocess_input(
        x, preprocessing="whitening"
    ),
    "pixels": lambda x: x,
    "unit": lambda x: x / 255,
    "torch": applications.densenet.preprocess_input,
    "caffe": applications.resnet50.preprocess_input,
}


def classifier(channels=3):
    model = keras.Sequential(
        [
            keras.Input((12, 16, channels)),
            keras.layers.Conv2D(4, 3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    return randomize(model)


@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_each_is_what_others_have_by_that_name(name):
    expected = np.asarray(OTHERS[name](PIXELS.astype("float32")))
    made = np.asarray(preprocess(PIXELS, name))
    assert made.dtype == "float32"
    np.testing.assert_allclose(made, expected, rtol=1e-5, atol=1e-5)
    found = normalization(name)
    assert (found is None) == (name in ("whitening", "caffe"))
    if found is not None:
        mean, deviation = found
        assert mean.shape == deviation.shape == (3,)
        np.testing.assert_allclose(
            (PIXELS - mean) / deviation, expected, rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_a_network_does_it_inside(name):
    model = classifier()
    expected = np.asarray(model(preprocess(PIXELS, name)))
    graph = with_uint8_input(read_model(model), name)
    assert_computes(graph, PIXELS, expected)


@pytest.mark.parametrize("name", ["scale", "whitening", "pixels", "unit"])
def test_grey_images(name):
    model, grey = classifier(channels=1), PIXELS[..., :1]
    expected = np.asarray(model(preprocess(grey, name)))
    graph = with_uint8_input(read_model(model), name)
    assert_computes(graph, grey, expected)


@pytest.mark.parametrize("name", ["torch", "caffe", "tf"])
def test_what_does_not_fit_is_one_line(name):
    with pytest.raises(InputError, match=r"^preprocessing: ") as error:
        normalization(name, channels=1)
    line_of(error)
    with pytest.raises(InputError, match=r"^preprocessing: "):
        preprocess(PIXELS[..., :1], name)
