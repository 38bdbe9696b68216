"""Evaluations that cannot be: one line each."""

import keras
import pytest

from nasnet_tf import InputError
from nasnet_tf import evaluate as command
from nasnet_tf.data.config import DataConfig
from nasnet_tf.evaluation import evaluate
from tests.conftest import line_of
from tests.evaluation.small_evaluations import (
    DIGITS,
    set_flags,
    some_images,
    source_of,
    tiny,
)


@pytest.fixture(scope="module")
def model():
    return tiny(class_names=DIGITS)


@pytest.mark.parametrize(
    "class_names, batch_size, line",
    [
        (DIGITS[:9], 2, "model: nasnet has 10 classes and a set 9; give"),
        (
            [*DIGITS[:9], "nine"],
            2,
            "model: class 9 of nasnet is '9' and that of a set 'nine'; give",
        ),
        (DIGITS, 0, "batch_size: 0 is not a positive integer"),
    ],
)
def test_what_does_not_fit_is_one_line(model, class_names, batch_size, line):
    source = source_of(some_images(), class_names)
    with pytest.raises(InputError) as error:
        evaluate(model, source, DataConfig(), batch_size)
    assert line_of(error).startswith(line)


@pytest.mark.parametrize(
    "values, line",
    [
        ({}, "model: neither of --model and --model_dir given; give one"),
        (
            {"model": "a", "model_dir": "b"},
            "model: both of --model and --model_dir given; give one",
        ),
        ({"model": "a.keras"}, "config_file: missing; name the data, such as"),
        (
            {"model": "a.keras", "config_file": ["digits"]},
            "model: a.keras does not exist or is not a file",
        ),
        (
            {"model": "a.h5", "params_override": ["data.source=digits"]},
            "model: a.h5 is no .keras file; name the network of these weights",
        ),
        (
            {"model": "a.h5", "config_file": ["digits"]},
            "weights: a.h5 does not exist; give a .keras",
        ),
        (
            {"model": "a.h5", "config_file": ["digits"], "split": "tset"},
            "data.evaluation_split: 'tset' is unknown; did you mean 'test'?",
        ),
        ({"model_dir": "none"}, "model_dir: none holds no checkpoint"),
        (
            {"model_dir": "~no-such-user/x"},
            "model_dir: ~no-such-user/x begins with a home folder that is not",
        ),
    ],
)
def test_bad_flags_are_one_line(values, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    set_flags(monkeypatch, **values)
    with pytest.raises(InputError) as error:
        command.main([])
    assert line_of(error).startswith(line)
    assert not list(tmp_path.iterdir())


def test_bad_files_are_one_line(model, tmp_path, monkeypatch):
    inputs = keras.Input((4,))
    other = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    other.save(tmp_path / "other.keras")
    model.save(tmp_path / "tiny.keras")
    (tmp_path / "file").write_text("")
    given = {"model": str(tmp_path / "tiny.keras"), "config_file": ["digits"]}
    for values, line in (
        (
            {"model": str(tmp_path / "other.keras")},
            "not a nasnet_tf.NASNet; giv",
        ),
        ({"out": str(tmp_path / "file")}, "cannot be a folder (File exists)"),
        ({"real_labels": "none.json"}, "real_labels: none.json cannot be read"),
        ({"split": "held_out"}, "split: 'held_out' with data.held_out 0;"),
    ):
        set_flags(monkeypatch, **{**given, **values})
        with pytest.raises(InputError) as error:
            command.main([])
        assert line in line_of(error)
    with pytest.raises(InputError) as error:
        command.main(["more"])
    assert (
        line_of(error) == "arguments: 'more' is no flag; --help lists the flags"
    )


def test_a_folder_of_images_may_be_called_imagenet(tmp_path, monkeypatch):
    """`imagenet` stays the name of weights."""
    (tmp_path / "imagenet").mkdir()
    monkeypatch.chdir(tmp_path)
    set_flags(
        monkeypatch, model="imagenet", params_override=["data.source=digits"]
    )
    with pytest.raises(InputError) as error:
        command.main([])
    assert line_of(error).startswith("model: imagenet is no .keras file;")
