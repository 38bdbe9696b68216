"""Files that OpenVINO runs in place of their own libraries."""

import importlib.util

import numpy as np
import pytest

from export.benchmarking import report
from export.benchmarking.benchmark import benchmark
from export.formats.litert import litert_content
from export.formats.onnx_model import write_onnx
from export.graph import read_model
from export.runtime.runners import (
    library_version,
    open_runner,
    runs_in_openvino,
)
from nasnet_tf.checks.errors import InputError
from tests.conftest import close, line_of
from tests.export.exported_files import (
    SHAPE,
    litert_file,
    onnx_file,
    saved_model,
    small_network,
    some_images,
)


@pytest.fixture
def openvino():
    return pytest.importorskip("openvino", reason="OpenVINO is not installed")


@pytest.fixture(scope="module")
def network():
    return small_network()


@pytest.mark.parametrize("ending", ["onnx", "tflite"])
def test_it_predicts_what_the_model_does(openvino, network, ending, tmp_path):
    path = tmp_path / f"model.{ending}"
    write = {"onnx": write_onnx, "tflite": litert_file}[ending]
    write(network, path)
    runner = open_runner(path, num_threads=1, openvino=True)
    assert runner.input_shape == (None, *SHAPE)
    assert runner.input_dtype == np.float32
    # Float32: bfloat16, which it would choose, is off by 1e-3.
    close(runner.run(some_images(), batch_size=2), network(some_images()), 1e-6)
    assert library_version(path, openvino=True)[0] == "openvino"
    assert library_version(path)[0] != "openvino"


@pytest.mark.parametrize("kind", ["none", "float16", "dynamic", "int8"])
def test_each_kind_of_litert_file(openvino, kind, tmp_path):
    """8 bits once were refused, for their operations' codes."""
    images = some_images(100)
    graph = read_model(small_network())
    path = tmp_path / "model.tflite"
    path.write_bytes(litert_content(graph, kind, images))
    ours = open_runner(path, num_threads=1).run(images)
    found = open_runner(path, num_threads=1, openvino=True).run(images)
    bound = 0.02 if kind in ("dynamic", "int8") else 1e-6
    assert np.ptp(ours) > 0.1
    close(found, ours, bound)


def test_a_batch_that_is_fixed(openvino, tmp_path):
    path = onnx_file(tmp_path / "a.onnx", batch=2)
    runner = open_runner(path, openvino=True)
    assert runner.input_shape == (2, *SHAPE)
    given = some_images(5)
    close(runner.run(given), given.mean(axis=(1, 2)), 1e-6)


def test_it_is_timed_beside_the_own_library(openvino, network, tmp_path):
    paths = [
        onnx_file(tmp_path / "a.onnx"),
        litert_file(network, tmp_path / "b.tflite"),
    ]
    results = benchmark(paths, seconds=0, slowest=1, openvino=True)
    assert [(result.path, result.openvino) for result in results] == [
        (str(path), openvino) for path in paths for openvino in (False, True)
    ]
    assert [len(result.slowest) for result in results] == [0, 0, 1, 0]
    assert results[0].ratio == 1
    for result in results[1:]:
        ratio = results[0].median / result.median
        assert result.ratio == pytest.approx(ratio)
    text = report.format_results(results)
    assert "\na.onnx, OpenVINO  " in text and "\na.onnx  " in text
    assert f"openvino {openvino.__version__.split('-')[0]}" in text
    assert "onnxruntime 1." in text


def test_what_it_does_not_read(network, tmp_path):
    path = saved_model(network, tmp_path / "a")
    assert not runs_in_openvino(path)


def test_bad_input_is_one_line(openvino, network, tmp_path):
    with pytest.raises(InputError) as error:
        open_runner(saved_model(network, tmp_path / "a"), openvino=True)
    assert line_of(error).startswith(f"openvino: {tmp_path}/a is no .tflite")
    (tmp_path / "b.onnx").write_text("no model")
    with pytest.raises(InputError) as error:
        open_runner(tmp_path / "b.onnx", openvino=True)
    line = line_of(error)
    assert line.startswith(f"model: {tmp_path}/b.onnx cannot be loaded by Open")
    assert "(Unable to read the model: " in line, "the reason comes last"
    with pytest.raises(InputError, match="has 2 inputs; give a classifier"):
        open_runner(onnx_file(tmp_path / "c.onnx", inputs=2), openvino=True)


def test_without_it_a_line_says_what_to_install(tmp_path, monkeypatch):
    path = onnx_file(tmp_path / "a.onnx")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name: None if name == "openvino" else find(name),
    )
    for call in (open_runner, benchmark):
        with pytest.raises(InputError) as error:
            call(path, openvino=True)
        assert line_of(error).endswith("pip install 'nasnet_tf[openvino]'")
