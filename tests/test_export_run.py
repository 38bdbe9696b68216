"""The export command and function: real files from real models."""

import os
import pathlib
import resource
import signal
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
from conftest import randomize, tiny_network
from PIL import Image

import export.job
from export import comparison
from export import run as command
from export.job import export_model
from export.runtime.runners import open_runner
from nasnet_tf.data import digits
from nasnet_tf.errors import InputError, JobError
from nasnet_tf.training.checkpoint import JobCheckpoint, save_network_config
from nasnet_tf.training.config_files import save_config
from nasnet_tf.training.network import build_network
from nasnet_tf.training.optimizer import make_optimizer
from tests.training_jobs import one_block, small_job

ROOT = pathlib.Path(__file__).parents[1]
DIGITS = [str(n) for n in range(10)]
DATA = {"override": "data.source=digits", "preprocessing": "scale"}


@pytest.fixture(autouse=True)
def short_timing(monkeypatch):
    monkeypatch.setattr(export.job, "_TIMED_SECONDS", 0.0)


def scaled(pixels):
    return pixels / np.float32(127.5) - 1


@pytest.fixture(scope="module")
def trained():
    """A small classifier, no NASNet, that knows digits."""
    keras.utils.set_random_seed(0)
    given = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(12, 5, strides=2, activation="relu")(given)
    x = keras.layers.Conv2D(24, 3, strides=2, activation="relu")(x)
    x = keras.layers.Conv2D(24, 3, strides=2, activation="relu")(x)
    x = keras.layers.GlobalMaxPooling2D()(x)
    answer = keras.layers.Dense(10, activation="softmax")(x)
    model = keras.Model(given, answer, name="trained")
    model.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy"
    )
    data = digits.load()
    model.fit(
        scaled(data.train_images),
        data.train_labels,
        batch_size=64,
        epochs=6,
        verbose=0,
    )
    return model


@pytest.fixture(scope="module")
def expected(trained):
    """Its answers to the 360 images that digits are evaluated on."""
    return trained.predict(scaled(digits.load().held_out_images), verbose=0)


@pytest.fixture(scope="module")
def top_1(expected):
    right = expected.argmax(axis=1) == digits.load().held_out_labels
    assert right.mean() > 0.9
    return right.mean()


def exported(source, out, format="litert", quantize="none", **arguments):
    return export_model(
        source, format, out, quantize, **{"quiet": True, **arguments}
    )


def error_of(answers, expected):
    """The root mean square error in parts of the spread over images."""
    spread = (expected - expected.mean(axis=0)).std()
    return np.sqrt(np.square(answers - expected).mean()) / spread


def photos(folder, count=100, darkened=1.0):
    """Training digits as files."""
    folder.mkdir()
    for number, image in enumerate(digits.load().train_images[:count]):
        pixels = (image * darkened).astype("uint8")
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def line_of(error):
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    "format, quantize, file, most",
    [
        ("litert", "none", "model.tflite", 1e-5),
        ("litert", "float16", "model.tflite", 1e-3),
        ("litert", "dynamic", "model.tflite", 0.03),
        ("litert", "int8", "model.tflite", 0.03),
        ("onnx", "none", "model.onnx", 1e-5),
        ("saved_model", "none", "saved_model", 1e-5),
    ],
)
def test_formats(
    trained, expected, top_1, tmp_path, format, quantize, file, most
):
    out = tmp_path / "out"
    result = exported(trained, out, format, quantize, **DATA)
    assert result.folder == out and result.model == out / file
    written = {path.name for path in out.iterdir()}
    assert written == {file, "model_card.md"} == set(result.files)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    # The file, without this package's parity.
    images = scaled(digits.load().held_out_images)
    answers = open_runner(result.model).run(images)
    difference = np.abs(answers - expected).max()
    np.testing.assert_allclose(
        result.parity.difference,
        difference / expected.max(),
        rtol=1e-2,
        atol=1e-7,
    )
    error = error_of(answers, expected)
    assert error < most
    np.testing.assert_allclose(result.parity.error, error, rtol=1e-2, atol=1e-7)
    assert result.parity.count == 360 and "digits" in result.parity.images
    agree = (answers.argmax(axis=1) == expected.argmax(axis=1)).mean()
    assert agree > 0.98
    np.testing.assert_allclose(result.parity.agreement, agree)
    labels = digits.load().held_out_labels
    np.testing.assert_allclose(
        result.accuracy, (top_1, (answers.argmax(axis=1) == labels).mean())
    )
    assert abs(np.subtract(*result.accuracy)) < 0.02
    assert 0 < result.latency < 0.1 and result.parity.tells
    assert bool(result.calibration) == (quantize == "int8")


def test_quantised_files_are_smaller(trained, tmp_path):
    sizes = {
        quantize: exported(
            trained,
            tmp_path / quantize,
            quantize=quantize,
            evaluation_images=50,
            **DATA,
        ).size
        for quantize in ("none", "float16", "int8")
    }
    assert sizes["int8"] < sizes["float16"] < 0.65 * sizes["none"]


@pytest.mark.parametrize(
    "format, quantize, most",
    [
        ("litert", "none", 1e-5),
        ("litert", "int8", 0.03),
        ("onnx", "none", 1e-5),
    ],
)
def test_files_that_take_pixels(
    trained, expected, tmp_path, format, quantize, most
):
    result = exported(
        trained,
        tmp_path / "out",
        format,
        quantize,
        input_type="uint8",
        **DATA,
    )
    runner = open_runner(result.model)
    assert runner.input_dtype == np.uint8
    answers = runner.run(digits.load().held_out_images)
    assert error_of(answers, expected) < most
    assert (
        "the file scales them" in (tmp_path / "out/model_card.md").read_text()
    )


def spread(network):
    """Random weights with which other digits have other best classes."""
    randomize(network)
    logits = network.get_layer("logits")
    logits.kernel.assign(logits.kernel * 0.1)
    answers = network.predict(
        scaled(digits.load().train_images[:200]), verbose=0
    )
    logits.bias.assign(logits.bias - answers.mean(axis=0))
    return network


def make_job(folder, *overrides):
    """A job's folder as training leaves it."""
    config = small_job(folder, *overrides)
    network = spread(build_network(config.model, DIGITS, 9))
    optimizer = make_optimizer(config.recipe, 0.1, "float32")
    optimizer.build(network.trainable_variables)
    job = folder / "job"
    job.mkdir()
    save_config(config, job / "config.yaml")
    save_network_config(job, network)
    JobCheckpoint(job, network, optimizer).save(7)
    return job


def test_job_brings_its_data_and_its_names(tmp_path):
    job = make_job(tmp_path, "data.source=digits")
    result = exported(job, tmp_path / "out")
    labels = (tmp_path / "out" / "labels.txt").read_text()
    assert labels.splitlines() == DIGITS
    assert result.parity.count == 360 and result.parity.difference < 1e-5
    assert result.parity.tells
    before, after = result.accuracy
    assert before == after and 0 < before < 1
    card = (tmp_path / "out" / "model_card.md").read_text()
    assert f"`{job}, step 7`" in card


def test_job_without_its_data_is_compared_on_photographs(tmp_path, capsys):
    job = make_job(tmp_path, "data.source=folder", "data.data_dir=gone")
    result = exported(job, tmp_path / "out", quiet=False)
    assert result.accuracy is None and result.parity.count == 64
    assert "no accuracy, for the job's data are gone" in capsys.readouterr().out
    for arguments in (
        {"quantize": "int8"},
        {"override": "data.evaluation_split=test"},
    ):
        with pytest.raises(InputError, match="gone"):
            exported(job, tmp_path / "other", **arguments)
    assert not (tmp_path / "other").exists()


def test_calibration_on_a_folder(trained, tmp_path):
    result = exported(
        trained,
        tmp_path / "out",
        quantize="int8",
        preprocessing="scale",
        calibration=photos(tmp_path / "photos"),
        calibration_images=100,
    )
    assert result.accuracy is None and "photos" in result.calibration
    assert result.parity.error < 0.2 and result.parity.count == 64


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


def test_rewrite_that_is_wrong_fails_and_keeps_what_was_there(
    trained, tmp_path, monkeypatch
):
    from export import rewrites

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
    for format in ("litert", "onnx", "saved_model"):
        with pytest.raises(JobError) as error:
            exported(
                trained,
                out,
                format,
                rewrites="wrong",
                overwrite=True,
                **DATA,
            )
        assert line_of(error).startswith("parity: difference ")
        assert "above 0.0001 on digits, split test: 360 images" in line_of(
            error
        )
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


@pytest.mark.parametrize("rewrites", ["none", "all", "fold_batch_norm", None])
def test_rewrites_can_be_chosen(tmp_path, rewrites):
    model = randomize(tiny_network(one_block().to_dict()))
    result = exported(model, tmp_path / "out", rewrites=rewrites)
    assert result.parity.difference < 1e-5 and result.parity.tells
    before, after = result.operations
    if rewrites == "none":
        assert result.rewrites == () and before == after
    else:
        assert "fold_batch_norm" in result.rewrites
    if rewrites in ("fold_batch_norm", None):
        assert after < before


def test_open_size(tmp_path):
    model = randomize(
        tiny_network(one_block().to_dict(), input_shape=(None, None, 3))
    )
    result = exported(model, tmp_path / "out", image_size=(32, 48))
    runner = open_runner(result.model)
    assert runner.input_shape == (1, 32, 48, 3)
    x = np.random.default_rng(0).uniform(-1, 1, (2, 32, 48, 3)).astype("f4")
    np.testing.assert_allclose(
        runner.run(x), np.asarray(model(x, training=False)), atol=1e-5
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
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


def test_runner_is_closed_whatever_happens(trained, tmp_path, monkeypatch):
    closed = []

    class Failing:
        def run(self, images):
            raise InputError("model: fails; give another")

        def close(self):
            closed.append(True)

    monkeypatch.setattr(comparison, "open_runner", lambda path: Failing())
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


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "export.run", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def saved(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "trained.keras"
    trained.save(path)
    return path


def test_command(saved, tmp_path):
    done = run(
        f"--model={saved}",
        "--format=litert",
        "--quantize=int8",
        "--out=a b",
        "--preprocessing=scale",
        "--params_override=data.source=digits",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for text in (
        "load the model",
        "compare with Keras",
        "wrote\n  a b/model.tflite",
        "parity: on digits, split test: 360 images the largest",
        "top-1: ",
    ):
        assert text in done.stdout
    card = (tmp_path / "a b" / "model_card.md").read_text()
    assert "python -m export.run --model=" in card
    assert "'--out=a b' --preprocessing=scale" in card


def test_command_whose_parity_fails_exits_with_1(saved, tmp_path):
    photos(tmp_path / "dark", darkened=0.05)
    done = run(
        f"--model={saved}",
        "--format=litert",
        "--quantize=int8",
        "--out=out",
        "--preprocessing=scale",
        "--params_override=data.source=digits",
        "--calibration=dark",
        "--calibration_images=100",
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: parity: error ")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["dark"]


@pytest.mark.parametrize(
    "arguments, values, line",
    [
        (["x"], {}, "arguments: 'x' is no flag; --help lists the flags"),
        ([], {"model": None}, "model: missing; give a .keras file"),
        ([], {"format": None}, "format: missing; give one of saved_model, li"),
        (
            [],
            {"image_size": "big"},
            "image_size: 'big' is neither pixels, such as 224, nor HEIGHTxWI",
        ),
        ([], {"image_size": "1x2x3"}, "image_size: '1x2x3' is neither"),
    ],
)
def test_command_with_bad_flags(monkeypatch, arguments, values, line):
    values = {"model": "a", "format": "onnx", "image_size": None, **values}
    flags = types.SimpleNamespace(FLAGS=types.SimpleNamespace(**values))
    monkeypatch.setattr(command, "flags", flags)
    with pytest.raises(InputError) as error:
        command.main(arguments)
    assert line_of(error).startswith(line)
