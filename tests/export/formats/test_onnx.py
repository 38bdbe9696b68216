"""ONNX files, run by onnxruntime."""

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

import nasnet_tf
from export.formats.onnx_model import write_onnx
from nasnet_tf.checks.errors import InputError
from tests.conftest import close, images, randomize, tiny_network


def session(path):
    return onnxruntime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"]
    )


@pytest.fixture(scope="module")
def network():
    return nasnet_tf.fold_batch_norm(randomize(tiny_network()))


@pytest.fixture(scope="module")
def path(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    write_onnx(network, path)
    return path


@pytest.mark.parametrize("batch", [1, 3])
def test_predictions_are_the_model_s(network, path, batch):
    given = images(batch, 32, 32, 3)
    (actual,) = session(path).run(["predictions"], {"images": given})
    close(actual, network(given, training=False), 1e-5)


def test_the_batch_is_open_and_the_names_are_plain(path):
    (given,), (answer,) = (
        session(path).get_inputs(),
        session(path).get_outputs(),
    )
    assert (given.name, given.shape, given.type) == (
        "images",
        ["batch", 32, 32, 3],
        "tensor(float)",
    )
    assert (answer.name, answer.shape) == ("predictions", ["batch", 10])


def test_the_file_is_sound_and_holds_no_batch_norm(path):
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    operations = [node.op_type for node in proto.graph.node]
    assert "BatchNormalization" not in operations
    # One turns the images to the order of ONNX, none turns feature maps.
    assert operations.count("Transpose") == 1


def test_a_sequential_model_of_pixels(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3), dtype="uint8"),
            keras.layers.Rescaling(1 / 127.5, -1.0),
            keras.layers.Conv2D(8, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(4, activation="softmax"),
        ]
    )
    write_onnx(model, tmp_path / "model.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), "uint8")
    loaded = session(tmp_path / "model.onnx")
    assert loaded.get_inputs()[0].type == "tensor(uint8)"
    (actual,) = loaded.run(None, {"images": pixels})
    close(actual, model(pixels), 1e-5)


class Eigenvalues(keras.layers.Layer):
    def call(self, inputs):
        return keras.ops.eigh(inputs[..., 0])[0]


def test_an_operation_that_onnx_lacks_is_one_line(tmp_path):
    given = keras.Input((4, 4, 3))
    model = keras.Model(given, Eigenvalues()(given), name="odd")
    with pytest.raises(InputError) as error:
        write_onnx(model, tmp_path / "model.onnx")
    assert "odd cannot be converted to ONNX" in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
