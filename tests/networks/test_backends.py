import importlib.util
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.backends
ROOT = pathlib.Path(__file__).parents[2]


def _outputs(backend, folder):
    path = folder / f"{backend}.npz"
    environment = {**os.environ, "KERAS_BACKEND": backend}
    command = [sys.executable, "-m", "tests.networks.backend_outputs", path]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    return np.load(path)


@pytest.fixture(scope="module")
def tensorflow_outputs(tmp_path_factory):
    return _outputs("tensorflow", tmp_path_factory.mktemp("tensorflow"))


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_equals_tensorflow(backend, tensorflow_outputs, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    outputs = _outputs(backend, tmp_path)
    assert set(outputs) == set(tensorflow_outputs)
    assert len(outputs) > 100
    for name, expected in tensorflow_outputs.items():
        difference = np.abs(outputs[name] - expected).max()
        assert difference <= 1e-4 * max(1, np.abs(expected).max()), name
