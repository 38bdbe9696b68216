import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from export.runtime.child_process import ChildError, ChildProcess
from export.runtime.runners import library_version, model_format, open_runner
from export.runtime.timing import noise
from nasnet_tf.checks.errors import InputError
from tests.conftest import close
from tests.export.exported_files import (
    SHAPE,
    litert_file,
    onnx_file,
    saved_model,
    small_network,
    some_images,
)
from tests.search.children.child_generators import counts, crashes, takes

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture(scope="module")
def network():
    return small_network()


@pytest.fixture(scope="module")
def expected(network):
    return network(some_images(), training=False).numpy()


@pytest.fixture(scope="module")
def uint8_file(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("quantized") / "a.tflite"
    return litert_file(network, path, "uint8")


def refusal(function, *arguments):
    with pytest.raises(InputError) as error:
        function(*arguments)
    line = str(error.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("batch", [None, 1, 3])
def test_litert(network, expected, batch, tmp_path):
    path = litert_file(network, tmp_path / "a.tflite", batch=batch)
    runner = open_runner(path, num_threads=1)
    assert runner.input_shape == (batch, *SHAPE)
    assert runner.input_dtype == np.float32
    for images in (some_images(), some_images().astype("float64")):
        predictions = runner.run(images, batch_size=4)
        assert predictions.dtype == np.float32
        close(predictions, expected, 1e-6)
    close(runner.run(some_images()[:1]), expected[:1], 1e-6)
    runner.close()


def test_litert_quantised(expected, uint8_file):
    runner = open_runner(uint8_file)
    assert runner.input_dtype == np.uint8
    predictions = runner.run(some_images())
    close(predictions, expected, 0.03)
    # Its output has 256 values between 0 and 1.
    np.testing.assert_allclose(predictions * 256, np.rint(predictions * 256))
    scale, zero_point = runner.interpreter.get_input_details()[0][
        "quantization"
    ]
    pixels = np.rint(some_images() / scale + zero_point).clip(0, 255)
    np.testing.assert_array_equal(
        runner.run(pixels.astype("uint8")), predictions
    )
    line = refusal(runner.run, pixels.astype("int32"))
    assert line == f"images: int32 given, but {uint8_file} takes uint8"


def test_pixels_are_not_taken_for_floats(network, tmp_path):
    path = litert_file(network, tmp_path / "a.tflite")
    runner = open_runner(path)
    line = refusal(runner.run, np.zeros((1, *SHAPE), "uint8"))
    assert line == f"images: uint8 given, but {path} takes float32"


@pytest.mark.parametrize("batch", ["n", 2])
def test_onnx(batch, tmp_path):
    runner = open_runner(onnx_file(tmp_path / "a.onnx", batch), num_threads=1)
    assert runner.input_shape == (None if batch == "n" else 2, *SHAPE)
    images = some_images()
    close(runner.run(images), images.mean(axis=(1, 2)), 1e-6)


def test_saved_model(network, expected, tmp_path):
    runner = open_runner(saved_model(network, tmp_path / "a"))
    assert runner.input_shape == (None, *SHAPE)
    close(runner.run(some_images(), batch_size=2), expected, 1e-6)
    line = refusal(open_runner, tmp_path / "a", 3)
    assert "num_threads: 3 comes too late" in line


def test_keras(network, expected, tmp_path):
    network.save(tmp_path / "a.keras")
    runner = open_runner(tmp_path / "a.keras")
    assert runner.input_shape == (None, *SHAPE)
    close(runner.run(some_images(), batch_size=2), expected, 1e-6)


def test_images_that_do_not_fit(tmp_path):
    path = onnx_file(tmp_path / "a.onnx")
    runner = open_runner(path)
    for shape in ((1, 8, 9, 3), (8, 8, 3), (0, 8, 8, 3)):
        line = refusal(runner.run, np.zeros(shape, "float32"))
        assert line == (
            f"images: shape {shape} does not fit {path}, which takes "
            "(any, 8, 8, 3)"
        )


def test_formats(tmp_path):
    (tmp_path / "saved_model.pb").touch()
    assert model_format(tmp_path) == "saved_model"
    (tmp_path / "A.TFLITE").touch()
    assert model_format(tmp_path / "A.TFLITE") == "litert"
    name, version = library_version(tmp_path / "A.TFLITE")
    assert name == "ai-edge-litert" and version[0].isdigit()


def test_files_that_cannot_be_opened(tmp_path, uint8_file):
    line = refusal(open_runner, tmp_path / "a.onnx")
    assert line == f"model: {tmp_path}/a.onnx does not exist; give another path"
    assert "has no saved_model.pb" in refusal(open_runner, tmp_path)
    (tmp_path / "a.pb").touch()
    line = refusal(open_runner, tmp_path / "a.pb")
    assert line.startswith(f"model: {tmp_path}/a.pb does not end in .tflite, ")
    for suffix in (".tflite", ".onnx", ".keras"):
        path = tmp_path / f"b{suffix}"
        path.write_text("no model")
        line = refusal(open_runner, path)
        assert line.startswith(f"model: {path} cannot be loaded (")
    (tmp_path / "c.tflite").write_bytes(uint8_file.read_bytes()[:2000])
    line = refusal(open_runner, tmp_path / "c.tflite")
    assert "c.tflite cannot be loaded (" in line
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "saved_model.pb").write_text("no model")
    assert "d cannot be loaded (" in refusal(open_runner, tmp_path / "d")
    line = refusal(open_runner, onnx_file(tmp_path / "e.onnx", inputs=2))
    assert "e.onnx has 2 inputs; give a classifier" in line
    for threads in (0, -1, 1.5, True):
        line = refusal(open_runner, uint8_file, threads)
        assert line == f"num_threads: {threads!r} is not a positive integer"


def test_noise(tmp_path):
    runner = open_runner(onnx_file(tmp_path / "a.onnx"))
    images = noise(runner, 2, None)
    assert images.shape == (2, *SHAPE) and images.dtype == np.float32
    assert images.min() < -0.9 and images.max() > 0.9
    np.testing.assert_array_equal(images, noise(runner, 2, 8))
    line = refusal(noise, runner, 1, 9)
    assert line.startswith("image_size: 9 does not fit")
    runner.input_shape = (None, None, None, 3)
    assert noise(runner, 1, 9).shape == (1, 9, 9, 3)
    assert "--image_size=224" in refusal(noise, runner, 1, None)
    runner.input_dtype = np.dtype("uint8")
    pixels = noise(runner, 4, 32)
    assert (pixels.min(), pixels.max()) == (0, 255)
    runner.input_shape = (None, 10)
    assert "takes uint8 of shape (None, 10)" in refusal(noise, runner, 1, None)


def test_a_child_process_answers():
    with ChildProcess(counts, start=3) as child:
        assert child.receive() == 3
        assert child.ask("4") == 7
        assert child.ask("-2") == 5
        with pytest.raises(ChildError, match="invalid literal for int"):
            child.ask("x")


def test_a_child_process_that_crashes():
    with ChildProcess(crashes) as child:
        with pytest.raises(ChildError, match="ended with signal 6"):
            child.receive()
        with pytest.raises(ChildError, match="ended with signal 6"):
            child.ask("1")


COPIED = """
import pathlib
from export.runtime.child_process import ChildProcess
import where
for light in (True, False):
    with ChildProcess(where.modules, light=light) as child:
        print(*child.receive(), sep="\\n")
"""
WHERE = """
def modules():
    from export.runtime import child_process
    from nasnet_tf.checks import errors
    yield [child_process.__file__, errors.__file__]
"""


def test_a_child_process_of_copied_packages_runs_these(tmp_path):
    for name in ("export", "nasnet_tf"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "where.py").write_text(WHERE)
    (tmp_path / "start.py").write_text(COPIED)
    done = subprocess.run(
        [sys.executable, "start.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    expected = ["export/runtime/child_process.py", "nasnet_tf/checks/errors.py"]
    assert done.stdout.splitlines() == 2 * [
        str(tmp_path.resolve() / name) for name in expected
    ]


def test_peak_memory_is_of_the_child_alone():
    here = np.ones(2**25)  # 256 MiB.
    with ChildProcess(takes, size=2**26) as child:
        before, after, taken = child.receive()
    if before is None:
        pytest.skip("the system does not tell")
    assert 0 < before < here.nbytes // 2
    assert taken <= after - before < 1.2 * taken
