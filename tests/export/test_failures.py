"""Exports that fail: one line, and nothing is left or lost."""

import resource
import signal

import keras
import numpy as np
import pytest

import export.job
from export import rewrites
from export.comparison import side_by_side
from nasnet_tf.checks.errors import InputError, JobError
from tests.conftest import line_of, slow
from tests.export.digits_exports import DATA, exported, photos

pytestmark = pytest.mark.usefixtures("short_timing")


def test_calibration_on_other_images_fails_and_leaves_nothing(
    trained, tmp_path
):
    dark = photos(tmp_path / "dark", darkened=0.05)
    with pytest.raises(JobError) as error:
        exported(
            trained,
            tmp_path / "new" / "out",
            quantize="int8",
            calibration=dark,
            calibration_images=100,
            **DATA,
        )
    assert "nothing is kept; calibrate on images" in line_of(error)
    assert [path.name for path in tmp_path.iterdir()] == ["dark"]


@pytest.mark.parametrize(
    "format", ["litert", slow("onnx"), slow("saved_model")]
)
def test_rewrite_that_is_wrong_fails_and_keeps_what_was_there(
    trained, tmp_path, monkeypatch, format
):
    def wrong(graph):
        graph = graph.copy()
        for name, node in graph.of("dense"):
            kernel = node.weights["kernel"] * np.float32(1.01)
            graph[name] = node.replaced(weights={"kernel": kernel})
        return graph

    out = tmp_path / "out"
    exported(trained, out, **DATA)
    before = (out / "model.tflite").read_bytes()
    monkeypatch.setitem(rewrites.REWRITES, "wrong", wrong)
    with pytest.raises(JobError) as error:
        exported(trained, out, format, rewrites="wrong", overwrite=True, **DATA)
    line = line_of(error)
    assert line.startswith("parity: difference ")
    assert "above 0.0001 on digits, split test: 360 images" in line
    assert (out / "model.tflite").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_file_that_cannot_be_run_is_not_kept(trained, tmp_path, monkeypatch):
    def write_rubbish(original, graph, path, *others):
        path.write_bytes(bytes(1000))

    monkeypatch.setattr(export.job, "write_format", write_rubbish)
    for format in ("litert", "onnx"):
        with pytest.raises(JobError) as error:
            exported(trained, tmp_path / "out", format, **DATA)
        assert "the exported file cannot be run" in line_of(error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, slow(MemoryError)])
def test_stopped_at_the_last_moment(trained, tmp_path, monkeypatch, error):
    def stop(*arguments):
        assert len(list(tmp_path.iterdir())) == 1
        raise error

    monkeypatch.setattr(export.job, "write_card", stop)
    with pytest.raises(error):
        exported(trained, tmp_path / "out", **DATA)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["litert", "onnx", "saved_model"])
def test_no_room(trained, tmp_path, format):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        with pytest.raises(InputError, match=r"^out: .*File too large"):
            exported(trained, tmp_path / "out", format, **DATA)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments, line",
    [
        ({"format": "tflite"}, "format: 'tflite' is unknown; "),
        ({"quantize": "int4"}, "quantize: 'int4' is unknown; did you mean"),
        (
            {"format": "onnx", "quantize": "int8"},
            "quantize: 'int8' with format 'onnx', which is exported in float32",
        ),
        (
            {"format": "saved_model", "quantize": "float16"},
            "quantize: 'float16' with format 'saved_model'",
        ),
        (
            {"format": "saved_model", "input_type": "uint8"},
            "input_type: 'uint8' with format 'saved_model'",
        ),
        ({"input_type": "int8"}, "input_type: 'int8' is unknown; "),
        ({"calibration_images": 99}, "calibration_images: 99 is not an integ"),
        ({"evaluation_images": 0}, "evaluation_images: 0 is not a positive"),
        ({"rewrites": "fold_batchnorm"}, "rewrites: 'fold_batchnorm' is unkn"),
        ({"quantize": "int8"}, "calibration: missing, and int8 needs images"),
        (
            {"quantize": "int8", "calibration": "nowhere"},
            "calibration: nowhere",
        ),
        (
            {"quantize": "int8", "calibration": "few"},
            "calibration: few: 7 images, which are too few; give 100 or more",
        ),
        ({"override": "data.source=digits,data.held_out=2000"}, "data"),
        ({"out": ""}, "out: missing; give a folder"),
    ],
)
def test_bad_input_is_one_line(trained, tmp_path, monkeypatch, arguments, line):
    monkeypatch.chdir(tmp_path)
    if arguments.get("calibration") == "few":
        photos(tmp_path / "few", count=7)
    arguments = {"out": "out", "preprocessing": "scale", **arguments}
    with pytest.raises(InputError) as error:
        exported(trained, **arguments)
    assert line_of(error).startswith(line)
    assert not (tmp_path / "out").exists()


def test_out_is_looked_at_before_the_model(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.onnx").write_text("old")
    with pytest.raises(InputError, match="--overwrite"):
        exported("missing.keras", tmp_path / "out")


def test_rewrites_are_looked_at_before_the_model(tmp_path):
    with pytest.raises(InputError, match=r"rewrites: 'fold' is unknown"):
        exported("missing.keras", tmp_path / "out", rewrites="fold")


@pytest.mark.parametrize("quantize", ["int8", "none"])
@pytest.mark.parametrize(
    "folder, line",
    [
        ("nowhere", "nowhere is not a folder; give one of photos"),
        (
            "~no-such-user/photos",
            "~no-such-user/photos begins with a home folder that is not "
            "known here; give the path in full",
        ),
    ],
    ids=["missing", "home"],
)
def test_calibration_is_looked_at_before_the_model(
    tmp_path, quantize, folder, line
):
    with pytest.raises(InputError) as error:
        exported(
            "missing.keras",
            tmp_path / "out",
            quantize=quantize,
            calibration=folder,
        )
    assert line_of(error) == f"calibration: {line}"
    assert list(tmp_path.iterdir()) == []


def test_runner_is_closed_whatever_happens(trained, tmp_path, monkeypatch):
    closed = []

    class Failing:
        def run(self, images):
            raise InputError("model: fails; give another")

        def close(self):
            closed.append(True)

    monkeypatch.setattr(side_by_side, "open_runner", lambda path: Failing())
    with pytest.raises(JobError, match=r"cannot be run.*model: fails"):
        exported(trained, tmp_path / "out", **DATA)
    assert closed == [True]


def test_layer_that_no_format_has(tmp_path):
    given = keras.Input((32, 32, 3))
    x = keras.layers.UnitNormalization()(given)
    x = keras.layers.Reshape((3072,))(x)
    model = keras.Model(given, keras.layers.Dense(3)(x), name="odd")
    with pytest.raises(InputError, match="model: odd has the layer"):
        exported(model, tmp_path / "out", preprocessing="scale")
    assert list(tmp_path.iterdir()) == []
