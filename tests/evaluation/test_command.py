"""The evaluation of files, checkpoints and jobs, and its command."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import nasnet_tf
from nasnet_tf import InputError
from nasnet_tf import evaluate as command
from nasnet_tf.configuration.files import save_config
from nasnet_tf.data import open_evaluation
from nasnet_tf.data.config import DataConfig
from nasnet_tf.data.digits import load as load_digits
from nasnet_tf.evaluation import (
    evaluate,
    file_classifier,
    read_confusion,
    read_real_labels,
    reports,
)
from nasnet_tf.evaluation.report_files import format_report
from nasnet_tf.networks.variables import named_variables
from nasnet_tf.training.checkpoint import JobCheckpoint, save_network_config
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.network import build_network
from nasnet_tf.training.optimizer import make_optimizer
from tests.conftest import line_of, randomize
from tests.evaluation.small_evaluations import (
    DIGITS,
    set_flags,
    some_images,
    source_of,
    tiny,
)
from tests.training.jobs import one_block, one_block_genotype


@pytest.fixture(scope="module")
def override(tmp_path_factory):
    """The configuration of `tiny()`."""
    path = one_block_genotype(tmp_path_factory.mktemp("genotype"))
    filters = 8 * one_block().filters_divisor
    return (
        f"model.genotype={path},model.num_cells=1,model.stem=cifar,"
        f"model.penultimate_filters={filters},model.stem_multiplier=3,"
        "model.preprocessing=scale,data.source=digits,recipe.steps=9"
    )


def spread(model, images=None):
    """Random weights; of different images other classes are the best."""
    randomize(model)
    logits = model.get_layer("logits")
    logits.kernel.assign(logits.kernel * 0.1)
    if images is not None:
        features = keras.Model(model.input, logits.output)
        mean = features.predict(images, verbose=0).mean(axis=0)
        logits.bias.assign(logits.bias - mean)
    return model


@pytest.fixture(scope="module")
def digits():
    return open_evaluation(DataConfig(source="digits"))


@pytest.fixture(scope="module")
def scans(digits):
    """The digits as the network reads them, and their labels."""
    examples = list(digits.evaluation_examples().as_numpy_iterator())
    images = np.stack([example["image"] for example in examples])
    labels = np.array([example["label"] for example in examples])
    return images / np.float32(127.5) - 1, labels


@pytest.fixture(scope="module")
def model(scans):
    return spread(tiny(class_names=DIGITS), scans[0])


@pytest.fixture(scope="module")
def expected(model, scans):
    """Labels and probabilities, without this package's evaluation."""
    return scans[1], model.predict(scans[0], batch_size=64, verbose=0)


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    model.save(folder / "tiny.keras")
    model.save_weights(folder / "tiny.weights.h5")
    return folder


@pytest.fixture(scope="module")
def images():
    return some_images()


# === Of a source ===


def test_the_digits_are_measured(model, digits, expected):
    labels, rows = expected
    predicted = rows.argmax(axis=1)
    report = evaluate(model, digits, DataConfig(source="digits"), 100)
    assert report.images == 360 and report.class_names == DIGITS
    assert report.top1 == np.mean(predicted == labels)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (labels, predicted), 1)
    np.testing.assert_array_equal(report.confusion, confusion)
    own = rows[np.arange(360), labels]
    assert report.loss == pytest.approx(-np.log(own).mean(), rel=1e-4)
    assert len(set(predicted)) > 2


def test_arrays_are_measured_as_a_set(model, digits):
    parts = load_digits()
    images, labels = parts.held_out_images, parts.held_out_labels
    report = evaluate(model, digits, DataConfig(source="digits"), 100)
    given = evaluate(model, (images, labels), batch_size=100)
    assert given.class_names == DIGITS
    assert (given.top1, given.loss) == (report.top1, report.loss)
    np.testing.assert_array_equal(given.confusion, report.confusion)
    batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(64)
    assert evaluate(model, batches, batch_size=100).loss == report.loss


@pytest.mark.parametrize(
    ("labels", "class_names", "line"),
    [
        ([0, 1, 10, 0, 0], None, "source: label 10 of image 2 is none of the"),
        ([0, 1], None, "source: 5 images and 2 labels"),
        ([0] * 5, ["a", "b"], "model: nasnet has 10 classes and source from"),
    ],
)
def test_arrays_that_do_not_fit(model, images, labels, class_names, line):
    with pytest.raises(InputError) as error:
        evaluate(model, (images, labels), class_names=class_names)
    assert line_of(error).startswith(line)


def test_classes_in_another_order_are_matched_by_name(
    model, digits, expected, capsys
):
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
    turned = nasnet_tf.NASNet.from_config(
        model.get_config() | {"class_names": [DIGITS[n] for n in order]}
    )
    given = named_variables(model)
    for name, variable in named_variables(turned).items():
        value = np.asarray(given[name])
        if name.startswith("logits/"):
            value = value[..., order]
        variable.assign(value)
    report = evaluate(turned, digits, DataConfig(source="digits"), 100)
    labels, rows = expected
    assert report.top1 == np.mean(rows.argmax(axis=1) == labels)
    error = capsys.readouterr().err
    assert "are in another order than those of digits, split test" in error
    unmatched = evaluate(
        turned, digits, DataConfig(), 100, match_class_names=False
    )
    wrong = rows[:, order].argmax(axis=1) == labels
    assert unmatched.top1 == np.mean(wrong) != report.top1


def test_real_labels_of_imagenet(images, tmp_path):
    names = [f"ILSVRC2012_val_{n:08}.JPEG" for n in (4, 1, 2, 5, 3)]
    network = spread(tiny(classes=1000))
    rows = network.predict(images / 127.5 - 1, verbose=0)
    best = rows.argmax(axis=1)
    # By image number: right, none, right, wrong, right.
    shown = [[best[1], 5], [], [best[4]], [(best[0] + 1) % 1000], [best[3]]]
    path = tmp_path / "real.json"
    path.write_text(json.dumps([[int(n) for n in row] for row in shown]))
    real = read_real_labels(path)
    source = source_of(images, [f"n{n:08}" for n in range(1000)], names)
    report = evaluate(network, source, DataConfig(), 2, real)
    assert report.real.top1 == 3 / 4
    assert (report.real.images, report.real.left_out) == (4, 1)
    # The first batch tells, not the last.
    other = source_of(images, source.class_names, ["dog.jpg", *names[1:]])
    with pytest.raises(InputError) as error:
        evaluate(network, other, DataConfig(), 2, real)
    assert "'dog.jpg' is not a name such as" in line_of(error)


def test_a_model_of_any_size_is_told_one(images):
    network = spread(tiny(input_shape=(None, None, 3)))
    source = source_of(images, DIGITS)
    with pytest.raises(InputError) as error:
        evaluate(network, source, DataConfig())
    assert line_of(error).startswith("model.input_size: none given and nasnet")
    report = evaluate(network, source, DataConfig(), input_size=(40, 32))
    assert report.images == 5
    with pytest.raises(InputError) as error:
        evaluate(tiny(input_shape=(32, 32, 1)), source, DataConfig())
    assert "reads 1 channels and the images of a set have 3" in line_of(error)


def test_images_that_cannot_be_decoded_are_left_out(model, tmp_path):
    config = DataConfig(source="folder", data_dir=str(tmp_path))
    for name in DIGITS:
        (tmp_path / "test" / name).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(tmp_path / "test" / name / "a.png")
    # The model numbers the classes where there is no train split.
    source = open_evaluation(config, class_names=model.class_names)
    report = evaluate(model, source, config, 4)
    np.testing.assert_array_equal(report.support, np.ones(10))
    assert report.top1 == 0.1
    bad = tmp_path / "test" / "7" / "a.png"
    bad.write_bytes(bad.read_bytes()[:40])
    report = evaluate(model, source, config, 4)
    assert report.images == 9 and report.skipped == [str(bad)]
    assert report.to_dict()["skipped"] == 1
    assert report.support.tolist() == [1] * 7 + [0, 1, 1]
    line = f"9, 1 skipped that cannot be decoded: {bad}"
    assert line in format_report(report).splitlines()[0]
    for path in (tmp_path / "test").rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(InputError) as error:
        evaluate(model, source, config, 4)
    assert line_of(error).startswith("data: no image to evaluate")


# === Of files and jobs ===


def make_job(folder, override, scans, step=7):
    """A job's folder as training leaves it after some steps."""
    config = read_config([], override)
    network = build_network(config.model, DIGITS, 9)
    spread(network, scans[0])
    optimizer = make_optimizer(config.recipe, 0.1, "float32")
    optimizer.build(network.trainable_variables)
    save_config(config, folder / "config.yaml")
    save_network_config(folder, network)
    JobCheckpoint(folder, network, optimizer).save(step)
    return network, optimizer


def test_weights_go_into_the_configured_network(saved, expected, override):
    classifier = file_classifier(saved / "tiny.weights.h5", override=override)
    assert classifier.model.class_names == DIGITS
    report = reports.run(classifier, batch_size=100)
    labels, rows = expected
    assert report.top1 == np.mean(rows.argmax(axis=1) == labels)


def test_a_job_is_evaluated_where_it_stands(
    tmp_path, monkeypatch, override, scans, capsys
):
    network, _ = make_job(
        tmp_path, f"{override},data.held_out=40,runtime.seed=5", scans
    )
    report = reports.evaluate_job(tmp_path)
    out = capsys.readouterr().out
    assert out.startswith(
        f"{tmp_path}, step 7, raw weights, on digits, split train, 40 held out"
    )
    held_out = open_evaluation(DataConfig(held_out=40), seed=5)
    examples = list(held_out.evaluation_examples().as_numpy_iterator())
    pictures = np.stack([example["image"] for example in examples])
    logits = network.predict(pictures / 127.5 - 1, verbose=0)
    right = logits.argmax(axis=1) == [example["label"] for example in examples]
    assert report.images == 40 and report.top1 == right.mean()
    values = json.loads((tmp_path / "evaluation.json").read_text())
    assert values["top1"] == report.top1
    assert (values["step"], values["weights"]) == (7, "raw")
    assert values["data"] == "digits, split train, 40 held out"
    with Image.open(tmp_path / "evaluation.png") as image:
        assert image.size == (1144, 616)
    # Other data, and another folder for the files.
    other = tmp_path / "a" / "b"
    # `--model` takes the job's folder as `--model_dir` does.
    set_flags(monkeypatch, model=str(tmp_path), split="test", out=str(other))
    command.main([])
    values = json.loads((other / "evaluation.json").read_text())
    assert values["data"] == "digits, split test" and values["images"] == 360


def test_a_job_gives_its_averaged_weights_or_the_raw_ones(
    tmp_path, monkeypatch, override, scans
):
    network, optimizer = make_job(
        tmp_path, f"{override},recipe.ema_momentum=0.9", scans
    )
    averages = optimizer._model_variables_moving_average
    bias = network.get_layer("logits").bias
    kernel = network.get_layer("logits").kernel
    for variable, average in zip(
        network.trainable_variables, averages, strict=True
    ):
        value = np.asarray(variable)
        if variable is kernel:
            value = value * 0
        if variable is bias:
            value = np.eye(10, dtype="float32")[6]
        average.assign(value)
    JobCheckpoint(tmp_path, network, optimizer).save(8)
    values, columns = {}, {}
    for averaged in (True, False):
        set_flags(monkeypatch, model_dir=str(tmp_path), averaged=averaged)
        command.main([])
        file = tmp_path / "evaluation.json"
        values[averaged] = json.loads(file.read_text())
        columns[averaged] = read_confusion(file).sum(axis=0)
    assert values[True]["weights"] == "averaged" and values[True]["step"] == 8
    assert values[False]["weights"] == "raw"
    np.testing.assert_array_equal(columns[True], 360 * np.eye(10)[6])
    assert columns[False][6] < 360


def test_the_command_from_file_to_report(saved, expected, tmp_path):
    repository = pathlib.Path(nasnet_tf.__file__).parents[1]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "nasnet_tf.evaluate",
            f"--model={saved / 'tiny.keras'}",
            "--config_file=digits",
            "--out=report",
            "--batch_size=100",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    labels, rows = expected
    top1 = np.mean(rows.argmax(axis=1) == labels)
    lines = done.stdout.splitlines()
    assert lines[0] == f"{saved / 'tiny.keras'}, on digits, split test"
    assert lines[2].split() == ["top-1", f"{top1:.2%}"]
    report = tmp_path / "report"
    assert {path.name for path in report.iterdir()} == {
        "evaluation.json",
        "evaluation.png",
    }
    values = json.loads((report / "evaluation.json").read_text())
    assert values["top1"] == top1 and values["images"] == 360
