"""The export function: real files from real models."""

import zipfile

import numpy as np
import pytest

from export.runtime.runners import open_runner
from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.files import save_config
from nasnet_tf.data import digits
from nasnet_tf.training.checkpoint import JobCheckpoint, save_network_config
from nasnet_tf.training.network import build_network
from nasnet_tf.training.optimizer import make_optimizer
from tests.conftest import randomize, slow, tiny_network
from tests.data.image_sets import write_folder
from tests.export.digits_exports import DATA, exported, photos, scaled
from tests.training.jobs import one_block, small_job

DIGITS = [str(n) for n in range(10)]
SPLITS = {"train": 12, "test": 2}

pytestmark = pytest.mark.usefixtures("short_timing")


@pytest.fixture(scope="module")
def expected(trained):
    """Its answers to the 360 images that digits are evaluated on."""
    return trained.predict(scaled(digits.load().held_out_images), verbose=0)


@pytest.fixture(scope="module")
def top_1(expected):
    right = expected.argmax(axis=1) == digits.load().held_out_labels
    assert right.mean() > 0.9
    return right.mean()


def error_of(answers, expected):
    """The root mean square error in parts of the spread over images."""
    spread = (expected - expected.mean(axis=0)).std()
    return np.sqrt(np.square(answers - expected).mean()) / spread


@pytest.mark.parametrize(
    "format, quantize, file, most",
    [
        ("litert", "none", "model.tflite", 1e-5),
        slow("litert", "float16", "model.tflite", 1e-3),
        slow("litert", "dynamic", "model.tflite", 0.03),
        ("litert", "int8", "model.tflite", 0.03),
        ("onnx", "none", "model.onnx", 1e-5),
        ("saved_model", "none", "saved_model", 1e-5),
        ("keras", "none", "model.keras", 1e-5),
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


@pytest.mark.slow
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
        slow("litert", "none", 1e-5),
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


def test_labels_of_a_file(trained, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("\n".join(f"the digit {n}" for n in range(10)))
    more = {**DATA, "evaluation_images": 5}
    result = exported(trained, tmp_path / "out", labels=names, **more)
    told = (tmp_path / "out" / "labels.txt").read_text()
    assert told == names.read_text() + "\n"
    with zipfile.ZipFile(result.model) as archive:
        assert archive.read("labels.txt").decode() == told
    names.write_text("one\ntwo")
    with pytest.raises(InputError, match="names 2 classes, and the network"):
        exported(trained, tmp_path / "other", labels=names, **more)
    assert not (tmp_path / "other").exists()


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


def test_what_training_skipped_export_skips_and_says(tmp_path):
    root = write_folder(
        tmp_path / "sets",
        {split: dict.fromkeys(DIGITS, n) for split, n in SPLITS.items()},
    )
    job = make_job(tmp_path, "data.source=folder", f"data.data_dir={root}")
    whole = (root / "train" / "3" / "1.jpg").read_bytes()
    (root / "train" / "3" / "0.jpg").write_bytes(whole[: len(whole) // 2])
    (root / "train" / "4" / "0.jpg").write_bytes(b"")
    (root / "train" / "5" / "0.jpg").write_bytes(b"no image at all")
    (root / "test" / "6" / "0.jpg").write_bytes(b"no image at all")
    result = exported(
        job, tmp_path / "out", quantize="int8", calibration_images=119
    )
    assert "117 images, 3 skipped" in result.calibration
    assert result.parity.images.endswith("19 images, 1 skipped")
    for name in ("3/0.jpg", "4/0.jpg", "5/0.jpg", "6/0.jpg"):
        assert name in result.skipped
    with pytest.raises(InputError, match="cannot be decoded"):
        exported(job, tmp_path / "strict", quantize="int8", strict=True)


def test_calibration_on_a_folder_with_a_corrupt_file(trained, tmp_path):
    folder = photos(tmp_path / "photos", count=104)
    for number in (0, 1, 2):
        (folder / f"{number}.png").write_bytes(b"no image" * number)
    result = exported(
        trained,
        tmp_path / "out",
        quantize="int8",
        preprocessing="scale",
        calibration=folder,
        calibration_images=103,
    )
    assert result.calibration == "photos: 101 images, 3 skipped"
    assert "0.png" in result.skipped or "3" in result.skipped
    card = (tmp_path / "out" / "model_card.md").read_text()
    assert "photos: 101 images, 3 skipped" in card


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


@pytest.mark.parametrize(
    "rewrites", ["none", None, slow("all"), slow("fold_batch_norm")]
)
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
