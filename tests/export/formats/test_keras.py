"""`.keras` files of Keras's own layers."""

import json
import zipfile

import keras
import numpy as np
import pytest

import nasnet_tf
from export.formats import keras_model
from export.graph import read_model
from export.graph.preprocessing import with_uint8_input
from export.rewrites import REWRITES, rewrite
from tests.conftest import close, images, randomize, tiny_network
from tests.export.exported_files import small_network
from tests.training.jobs import one_block


def assert_of_keras_alone(path):
    """Nothing in the file is of this package, or private to Keras."""
    with zipfile.ZipFile(path) as archive:
        waiting = [json.loads(archive.read("config.json"))]
    modules = set()
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            assert part.get("registered_name") in (None, part.get("class_name"))
            modules.add(part.get("module"))
            part = list(part.values())
        waiting += part if isinstance(part, list) else []
    # As Keras writes every functional model.
    modules -= {None, "builtins", "keras.src.models.functional"}
    assert "keras.layers" in modules
    for module in modules:
        assert module.split(".")[0] == "keras" and ".src" not in module


def written(graph, path):
    """The network of the `.keras` file that is written of a graph."""
    keras_model.write(None, graph, path)
    assert_of_keras_alone(path)
    return keras.models.load_model(path)


@pytest.mark.parametrize("genotype", ["NASNET_A", "NASNET_B"])
def test_the_model_s_answers(genotype, tmp_path):
    model = randomize(tiny_network(genotype))
    graph = rewrite(read_model(model), REWRITES)
    assert graph.of("scale_positions")
    loaded = written(graph, tmp_path / "model.keras")
    given = images(2, 32, 32, 3)
    close(loaded(given), model(given), 1e-5)


@pytest.mark.parametrize("preprocessing", ["scale", "whitening"])
def test_pixels_are_scaled_inside(preprocessing, tmp_path):
    model = randomize(tiny_network(one_block()))
    graph = with_uint8_input(rewrite(read_model(model)), preprocessing)
    loaded = written(graph, tmp_path / "model.keras")
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (4, 32, 32, 3), "uint8")
    pixels[1] = 77  # a uniform image
    pixels[2] = 100 + pixels[2] % 3  # nearly one
    assert loaded.input.dtype == "uint8"
    expected = model(
        nasnet_tf.preprocess_input(pixels, preprocessing=preprocessing)
    )
    close(loaded(pixels), expected, 1e-4)


def test_another_s_network(tmp_path):
    model = small_network(six_branches=True)
    loaded = written(read_model(model), tmp_path / "model.keras")
    given = images(2, 8, 8, 3)
    close(loaded(given), model(given), 1e-6)
