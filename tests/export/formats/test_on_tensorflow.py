"""What is written by another process where Keras runs on another backend."""

import pathlib

import keras
import numpy as np
import pytest

from export.formats import on_tensorflow as module
from export.formats.on_tensorflow import on_tensorflow
from export.formats.onnx_model import write_graph
from export.graph import read_model
from export.runtime.runners import open_runner
from nasnet_tf.checks.errors import InputError, JobError
from tests.conftest import images, randomize


def noted(path, text):
    """Writes a text, and the backend of Keras that wrote it."""
    if text == "bad":
        raise InputError("text: 'bad' is bad; give another")
    if text == "worse":
        raise ValueError("worse")
    pathlib.Path(path).write_text(f"{text} {keras.backend.backend()}")


@pytest.fixture
def elsewhere(monkeypatch):
    """This process says that its Keras runs on JAX; its children see it too."""
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")


def test_tensorflow_writes_here(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ChildProcess", None)
    on_tensorflow(noted, tmp_path / "here", "text")
    assert (tmp_path / "here").read_text() == "text tensorflow"


@pytest.mark.slow
@pytest.mark.usefixtures("elsewhere")
def test_another_process_writes_the_same_network(tmp_path):
    model = randomize(
        keras.Sequential(
            [
                keras.Input((8, 8, 3)),
                keras.layers.Conv2D(4, 3),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(3),
            ]
        )
    )
    path = tmp_path / "model.onnx"
    on_tensorflow(write_graph, read_model(model), path)
    given = images(2, 8, 8, 3)
    expected = np.asarray(model(given))
    np.testing.assert_allclose(open_runner(path).run(given), expected, 1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("elsewhere")
def test_errors_of_the_other_process(tmp_path):
    on_tensorflow(noted, tmp_path / "there", "text")
    assert (tmp_path / "there").read_text() == "text tensorflow"
    with pytest.raises(InputError, match=r"^text: 'bad' is bad"):
        on_tensorflow(noted, tmp_path / "there", "bad")
    with pytest.raises(JobError, match=r"Keras on jax .*worse.* KERAS_BACKEND"):
        on_tensorflow(noted, tmp_path / "there", "worse")
