"""What cannot be measured, read or written: one line each."""

import math

import numpy as np
import pytest

from nasnet_tf import InputError
from nasnet_tf.evaluation import (
    measure,
    predict,
    read_real_labels,
    real_accuracy,
    write_report,
)
from tests.conftest import images, line_of, tiny_network
from tests.evaluation.evaluation_sets import (
    batches,
    constant,
    imagenet_predictions,
    predictions,
    random_predictions,
    write,
)
from tests.training.jobs import one_block


@pytest.mark.parametrize(
    "labels, names, line",
    [
        (
            [0],
            list("abcdef"),
            "class_names: 6 names for 3 classes; give one for each",
        ),
        ([3], None, "labels: image has label 3, but the classes are 0 to 2;"),
        ([-1], None, "labels: image has label -1, but the classes are"),
        ([], None, "predictions: none to measure; predict an image"),
    ],
)
def test_bad_predictions_are_one_line(labels, names, line):
    rows = np.full((len(labels), 3), 1 / 3)
    with pytest.raises(InputError) as error:
        measure(predictions(labels, rows, ["image"] * len(labels)), names)
    assert line_of(error).startswith(line)


def test_missing_scikit_learn_is_one_line(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError) as error:
        measure(random_predictions(6, 5))
    assert line_of(error) == (
        "evaluation: scikit-learn is missing; pip install 'nasnet_tf[train]'"
    )


@pytest.mark.parametrize(
    "value, line",
    [
        ("[[1], [2", "cannot be read as JSON (Expecting"),
        (3, "is neither a list nor a dict with images; give real.json of"),
        ([], "is neither a list nor a dict with images; give real.json of"),
        ([[1], 2], "has 2 for image 1, not a list of class numbers from 0"),
        ([[1], [1000]], "has [1000] for image 1, not a list of class"),
        ([[1.5]], "has [1.5] for image 0, not a list of class numbers"),
        ({"a": [True]}, "has [true] for image 'a', not a list of class"),
    ],
)
def test_bad_real_labels_are_one_line(tmp_path, value, line):
    path = write(tmp_path / "real.json", value)
    with pytest.raises(InputError) as error:
        read_real_labels(path)
    assert line_of(error).startswith(f"real_labels: {path} {line}")


def test_no_real_labels_is_one_line(tmp_path):
    with pytest.raises(InputError) as error:
        read_real_labels(tmp_path / "none.json")
    assert "cannot be read as JSON (No such file or" in line_of(error)


@pytest.mark.parametrize(
    "labels, name, line",
    [
        ([[1]], "dog.jpg", "'dog.jpg' is not a name such as ILSVRC2012_val_"),
        ([[1]], "ILSVRC2012_val_00000002.JPEG", "has labels of images 1 to 1,"),
        ({"a": [1]}, "b", "has no labels of 'b'; give the labels of these"),
        ({"b": []}, "b", "has no labels of any of the 1 images; leave"),
    ],
)
def test_images_without_real_labels_are_one_line(tmp_path, labels, name, line):
    real = read_real_labels(write(tmp_path / "real.json", labels))
    with pytest.raises(InputError) as error:
        real_accuracy(imagenet_predictions([1], [name]), real)
    text = line_of(error)
    assert text.startswith("real_labels: ") and line in text


def test_real_labels_are_of_1000_classes(tmp_path):
    real = read_real_labels(write(tmp_path / "real.json", [[1]]))
    with pytest.raises(InputError) as error:
        real_accuracy(random_predictions(6, 5), real)
    assert "1000 classes and the classifier has 6" in line_of(error)


def test_a_folder_that_is_missing_is_one_line(tmp_path):
    report = measure(random_predictions(6, 5))
    with pytest.raises(InputError) as error:
        write_report(report, tmp_path / "none" / "evaluation")
    assert "evaluation.json cannot be written (No such" in line_of(error)


def network(**arguments):
    return tiny_network(one_block().to_dict(), classes=6, **arguments)


def test_bad_models_are_one_line():
    given = list(batches(images(7, 32, 32, 3), np.zeros(7), batch_size=4))
    model = network()
    with pytest.raises(InputError) as error:
        predict(model, given, forward=constant(math.nan))
    assert "probabilities that are not finite" in line_of(error)
    with pytest.raises(InputError) as error:
        predict(model, [])
    assert line_of(error).startswith("data: no image to evaluate")
    with pytest.raises(InputError) as error:
        predict(network(include_top=False), given)
    assert "nasnet has no classifier" in line_of(error)
    with pytest.raises(InputError) as error:
        predict(network(classifier_activation="sigmoid"), given)
    assert "classifier_activation='sigmoid'" in line_of(error)
