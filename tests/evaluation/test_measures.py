"""Predictions, measures, ReaL labels and the report's files."""

import json
import math

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

import nasnet_tf
from nasnet_tf import InputError
from nasnet_tf.evaluation import (
    draw_confusion,
    format_report,
    measure,
    predict,
    prediction,
    read_confusion,
    read_real_labels,
    real_accuracy,
    write_report,
)
from nasnet_tf.pictures.figures import new_figure
from tests.conftest import line_of, randomize, slow, tiny_network
from tests.evaluation.evaluation_sets import (
    batches,
    constant,
    imagenet_predictions,
    predictions,
    random_predictions,
    write,
)
from tests.training.jobs import one_block

NAMES = [f"name{n}" for n in range(6)]


@pytest.fixture(scope="module")
def by_hand():
    """Five images of six classes; none is of class 4 or 5."""
    return predictions(
        [0, 0, 1, 2, 3],
        [
            [0.5, 0.1, 0.1, 0.1, 0.1, 0.1],  # right
            [0.1, 0.6, 0.1, 0.1, 0.05, 0.05],  # taken for 1
            [0.2, 0.7, 0.05, 0.03, 0.01, 0.01],  # right
            [0.2, 0.5, 0.1, 0.1, 0.05, 0.05],  # taken for 1
            [0.3, 0.2, 0.2, 0.01, 0.19, 0.1],  # taken for 0, sixth best
        ],
    )


# === Measures ===


def test_measures_by_hand(by_hand):
    report = measure(by_hand, NAMES)
    assert report.images == 5
    assert report.top1 == 2 / 5
    assert report.top5 == 4 / 5
    expected = -np.log([0.5, 0.1, 0.7, 0.1, 0.01]).mean()
    assert report.loss == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(report.support, [2, 1, 1, 1, 0, 0])
    assert report.support.dtype == int
    np.testing.assert_allclose(report.recall[:4], [0.5, 1, 0, 0])
    np.testing.assert_allclose(report.precision[:2], [1 / 2, 1 / 3])
    np.testing.assert_allclose(report.f1[:4], [0.5, 0.5, 0, 0])
    assert np.isnan(report.recall[4:]).all()
    assert np.isnan(report.precision[2:]).all()
    assert np.isnan(report.f1[4:]).all()
    expected = np.zeros((6, 6), int)
    expected[[0, 0, 1, 2, 3], [0, 1, 1, 1, 0]] = 1
    np.testing.assert_array_equal(report.confusion, expected)
    assert report.worst_classes() == [2, 3, 0, 1]
    assert report.top_confusions() == [(0, 1, 1), (2, 1, 1), (3, 0, 1)]
    assert report.top_confusions(1) == [(0, 1, 1)]
    # Of four classes: two have no image.
    assert report.balanced_accuracy == pytest.approx(1.5 / 4)


def test_calibration_error_by_hand(by_hand):
    # 0.3, 0.5 and 0.5, 0.6, 0.7 fall into four of fifteen bins.
    gaps = [0.3, abs(1 - 2 * 0.5), 0.6, 1 - 0.7]
    error = measure(by_hand).calibration_error
    assert error == pytest.approx(sum(gaps) / 5, abs=1e-6)
    sure = predictions([0, 1], [[1, 0], [1, 0]])
    assert measure(sure).calibration_error == pytest.approx(0.5)


@pytest.mark.parametrize("classes", [6, 40])
def test_top_accuracies_are_those_of_scikit_learn(classes):
    drawn = random_predictions(classes, 300)
    report = measure(drawn)
    expected = [
        metrics.top_k_accuracy_score(
            drawn.labels, drawn.probabilities, k=k, labels=range(classes)
        )
        for k in (1, 5)
    ]
    assert [report.top1, report.top5] == expected
    assert 0.1 < report.top1 < report.top5 < 1
    assert np.trace(report.confusion) == round(report.top1 * 300)


@pytest.mark.filterwarnings("ignore:y_pred contains classes")
@pytest.mark.parametrize("images", [12, 300])
def test_the_balanced_accuracy_is_scikit_learns(images):
    # Of twelve images five of the twelve classes have none.
    drawn = random_predictions(12, images)
    report = measure(drawn)
    expected = metrics.balanced_accuracy_score(
        drawn.labels, drawn.probabilities.argmax(axis=1)
    )
    assert (report.support == 0).sum() == (5 if images == 12 else 0)
    assert report.balanced_accuracy == pytest.approx(expected, rel=1e-12)
    assert report.to_dict()["balanced_accuracy"] == report.balanced_accuracy
    assert abs(expected - report.top1) > 1e-4


def test_equal_probabilities_are_ranked_by_number():
    report = measure(predictions(range(7), np.full((7, 7), 1 / 7)))
    assert report.top1 == 1 / 7
    assert report.top5 == 5 / 7
    np.testing.assert_array_equal(report.confusion[:, 0], np.ones(7))


def test_no_top_5_of_five_classes_and_the_loss_is_finite():
    report = measure(predictions([4], [[1, 0, 0, 0, 0]]))
    assert report.top5 is None
    assert report.loss == pytest.approx(126 * math.log(2))


# === ReaL labels ===


def test_real_accuracy_by_hand(tmp_path):
    labels = [[5, 7], [], [999], [0], [1]]
    real = read_real_labels(write(tmp_path / "real.json", labels))
    accuracy = real_accuracy(imagenet_predictions([7, 3, 999, 1, 1]), real)
    assert (accuracy.top1, accuracy.images, accuracy.left_out) == (3 / 4, 4, 1)
    # By the number in the name, not by the place in the predictions.
    names = ["val/n01/ILSVRC2012_val_00000003.JPEG"]
    one = imagenet_predictions([999], names)
    assert real_accuracy(one, real).top1 == 1
    report = measure(one, real_labels=real)
    assert report.real.top1 == 1 and report.top1 == 0
    assert report.to_dict()["real"] == {"top1": 1, "images": 1, "left_out": 0}


def test_real_labels_by_name(tmp_path):
    labels = {"a.JPEG": [4], "b.JPEG": [5, 6], "c.JPEG": []}
    real = read_real_labels(write(tmp_path / "real.json", labels))
    names = ["val/n02/b.JPEG", "a.JPEG", "c.JPEG"]
    accuracy = real_accuracy(imagenet_predictions([6, 6, 6], names), real)
    assert (accuracy.top1, accuracy.images, accuracy.left_out) == (1 / 2, 2, 1)


# === Report ===


def test_the_json_holds_every_number(by_hand, tmp_path):
    report = measure(by_hand, NAMES)
    paths = write_report(report, tmp_path / "evaluation", facts={"step": 7})
    names = ["evaluation.json", "evaluation.png"]
    assert [path.name for path in paths] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    values = json.loads(paths[0].read_text())
    assert values == {"step": 7, **report.to_dict()}
    assert values["images"] == 5 and values["classes"] == 6
    assert values["per_class"][1] == {
        "class": "name1",
        "support": 1,
        "precision": pytest.approx(1 / 3),
        "recall": 1,
        "f1": 0.5,
    }
    assert values["per_class"][4]["recall"] is None
    cells = values["confusion_cells"]
    assert len(cells) == np.count_nonzero(report.confusion)
    assert [0, 1, 1] in cells
    np.testing.assert_array_equal(read_confusion(paths[0]), report.confusion)
    assert values["confusions"][0] == {
        "class": "name0",
        "taken_for": "name1",
        "images": 1,
    }


def test_confusion_of_files_of_before(tmp_path):
    path = tmp_path / "evaluation.json"
    path.write_text('{"classes": 2, "confusion_matrix": [[3, 0], [1, 2]]}')
    np.testing.assert_array_equal(read_confusion(path), [[3, 0], [1, 2]])
    for text in ("{}", "[", '{"classes": 2, "confusion_cells": [[5, 0, 1]]}'):
        path.write_text(text)
        with pytest.raises(InputError) as error:
            read_confusion(path)
        assert "no evaluation.json that can be read" in line_of(error)


def test_of_thousands_of_classes_only_cells_with_images_are_written(tmp_path):
    labels = np.arange(2000)
    rows = np.zeros((2000, 2000), "float32")
    rows[labels, labels[::-1]] = 1
    report = measure(predictions(labels, rows, [""] * 2000))
    path, _ = write_report(report, tmp_path / "evaluation")
    assert path.stat().st_size < 400_000
    np.testing.assert_array_equal(read_confusion(path), report.confusion)


@pytest.mark.parametrize(
    "classes, size",
    [
        (2, (1012, 550)),
        (10, (1144, 616)),
        slow(25, (2200, 1144)),
        (26, (1650, 660)),
    ],
)
def test_the_picture_has_its_size(classes, size, tmp_path):
    names = [f"$a_{n}$ {'long ' * 6}" for n in range(classes)]
    report = measure(random_predictions(classes, 200), names)
    _, path = write_report(report, tmp_path / "report", title="a $5 model")
    with Image.open(path) as image:
        assert image.size == size
        pixels = np.asarray(image.convert("RGB"))
    assert (pixels[:4] == 255).all() and len(np.unique(pixels)) > 20


def test_the_matrix_shows_each_count():
    _, axes = new_figure(4, 4)
    confusion = np.array([[5, 0, 2], [0, 0, 0], [1, 0, 12345]])
    draw_confusion(axes, confusion, ["a", "b", "c"])
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    assert shown == {(0, 0): "5", (2, 0): "2", (0, 2): "1", (2, 2): "12345"}
    # Where right and where wrong: by the share of the row.
    alphas = [patch.get_alpha() for patch in axes.patches]
    shares = [5 / 7, 1, 1 / 12346 / (2 / 7), 12345 / 12346]
    np.testing.assert_allclose(alphas, 0.15 + 0.4 * np.array(shares))


def test_the_text_names_the_worst(by_hand, tmp_path):
    lines = format_report(measure(by_hand, NAMES), worst=2).splitlines()
    assert lines == [
        "images                     5",
        "top-1                 40.00%",
        "top-5                 80.00%",
        "balanced accuracy     37.50%",
        "loss                  2.0520",
        "calibration           24.00%",
        "",
        "worst classes  images  precision  recall",
        "name2               1          -    0.0%",
        "name3               1          -    0.0%",
        "",
        "most frequent confusions",
        "     1 of 2 name0 taken for name1",
        "     1 of 1 name2 taken for name1",
    ]
    real = read_real_labels(write(tmp_path / "real.json", [[5], [], [1]]))
    report = measure(imagenet_predictions([5, 3, 2]), real_labels=real)
    assert "ReaL                  50.00% of 2 images" in format_report(report)


# === Predictions ===


@pytest.fixture(scope="module")
def softmax_model():
    model = randomize(tiny_network(one_block().to_dict(), classes=6))
    logits = model.get_layer("logits")
    logits.kernel.assign(logits.kernel * 0.02)
    return model


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(1)
    images = generator.uniform(-1, 1, (7, 32, 32, 3)).astype("float32")
    return images, generator.integers(0, 6, 7)


def test_what_fills_the_last_batch_is_ignored(softmax_model, data):
    expected = np.asarray(softmax_model(data[0], training=False))
    predicted = predict(softmax_model, batches(*data, batch_size=4))
    assert len(predicted) == 7
    assert predicted.names == [f"image {n}" for n in range(7)]
    np.testing.assert_array_equal(predicted.labels, data[1])
    np.testing.assert_allclose(predicted.probabilities, expected, atol=1e-6)
    assert predicted.probabilities.dtype == np.float32


def test_logits_and_an_auxiliary_head_give_the_same(softmax_model, data):
    logits_model = nasnet_tf.NASNet.from_config(
        softmax_model.get_config()
        | {"classifier_activation": None, "auxiliary_head": True}
    )
    given = nasnet_tf.networks.variables.named_variables(softmax_model)
    for name, variable in nasnet_tf.networks.variables.named_variables(
        logits_model
    ).items():
        if name in given:
            variable.assign(given[name])
    results = [
        predict(model, batches(*data, batch_size=7)).probabilities
        for model in (softmax_model, logits_model)
    ]
    np.testing.assert_allclose(*results, atol=1e-6)
    np.testing.assert_allclose(results[1].sum(axis=1), 1, atol=1e-6)
    assert results[0].std() > 0.01


def test_progress_tells_pace_and_time_left(
    softmax_model, data, monkeypatch, capsys
):
    given = list(batches(*data, batch_size=2))
    forward = constant(1 / 6)
    predict(softmax_model, given, total=7, forward=forward)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(prediction, "QUIET", 0)
    monkeypatch.setattr(prediction, "LOG_INTERVAL", 0)
    predict(softmax_model, given, total=7, forward=forward)
    lines = capsys.readouterr().err.splitlines()
    # The first batch, which is traced, tells no pace.
    starts = [line.split(", ")[0] for line in lines]
    assert starts == [f"{n} of 7 images" for n in (4, 6, 7, 7)]
    assert lines[-1].endswith(" a second, 0 s left")
