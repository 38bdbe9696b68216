"""Jobs on what a program gives: arrays, datasets, PyDatasets."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from nasnet_tf.checks.errors import InputError
from nasnet_tf.data import digits
from nasnet_tf.data.config import DataConfig
from nasnet_tf.evaluation.reports import evaluate_job
from nasnet_tf.training import job as job_module
from nasnet_tf.training import job_checks
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.job import train
from tests.conftest import line_of
from tests.training.jobs import ALL_DRAWS, small_job, variables_of

pytestmark = pytest.mark.usefixtures("few_digits")


@pytest.fixture(scope="module")
def arrays(few_digits):
    return few_digits.train_images, few_digits.train_labels


@pytest.fixture(scope="module")
def held_out(few_digits):
    return few_digits.held_out_images, few_digits.held_out_labels


@pytest.fixture(scope="module")
def job(tmp_path_factory, arrays, held_out):
    """A job on arrays, with all that draws, and its folder."""
    folder = tmp_path_factory.mktemp("job")
    config = small_job(folder, ALL_DRAWS, "runtime.checkpoint_every_steps=2")
    model_dir = folder / "model_dir"
    result = train(
        config, model_dir, quiet=True, data=arrays, evaluation_data=held_out
    )
    return config, model_dir, result


def weights_equal(first, second):
    first, second = variables_of(first), variables_of(second)
    assert first.keys() == second.keys()
    return all(np.array_equal(first[name], second[name]) for name in first)


def test_arrays_train_as_a_configured_set_does(job, tmp_path, monkeypatch):
    config, model_dir, result = job
    # Around an image: what arrays do not tell.
    monkeypatch.setattr(digits, "PAPER", 0)
    configured = train(config, tmp_path / "digits", quiet=True)
    assert weights_equal(model_dir, tmp_path / "digits")
    for name in ("loss", "accuracy", "balanced_accuracy"):
        assert result.evaluation[name] == configured.evaluation[name]
    assert result.model.class_names == [str(n) for n in range(10)]
    assert (result.step, result.complete) == (6, True)


def test_config_and_card_say_where_images_came_from(job):
    config, model_dir, _ = job
    saved = read_config([model_dir / "config.yaml"])
    assert saved.data.source == "python" and len(saved.data.digest) == 16
    # The caller's is as it was.
    assert (config.data.source, config.data.digest) == ("digits", None)
    card = (model_dir / "model_card.md").read_text()
    assert "Trained on 208 images given from Python.\n" in card
    assert "52 images: evaluation_data from Python" in card


def test_stopped_job_goes_on_to_the_bit(
    job, tmp_path, monkeypatch, arrays, held_out
):
    config, model_dir, _ = job
    original = job_module.TrainingLog.training

    def stop(self, step, metrics):
        original(self, step, metrics)
        if step == 3:
            raise KeyboardInterrupt

    other = tmp_path / "stopped"
    given = {"data": arrays, "evaluation_data": held_out}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(job_module.TrainingLog, "training", stop)
        train(config, other, quiet=True, **given)
    changed = arrays[0].copy()
    changed[7, 3, 3] += 1
    for data in ((changed, arrays[1]), (arrays[0], arrays[1][::-1])):
        with pytest.raises(InputError, match=r"^data: other images") as error:
            train(config, other, data=data, evaluation_data=held_out)
        assert line_of(error).endswith("give the same, or another model_dir")
    with pytest.raises(InputError, match=r"^model_dir: .*data\.source"):
        train(config, other)
    # Other types of the same labels.
    labels = np.eye(10)[arrays[1]]
    given["data"] = arrays[0], labels
    result = train(config, other, quiet=True, **given)
    assert result.step == 6
    assert weights_equal(model_dir, other)


def test_a_job_of_arrays_is_evaluated_on_what_is_given(job, arrays):
    _, model_dir, _ = job
    with pytest.raises(InputError, match=r"^data\.source: 'python'") as error:
        evaluate_job(model_dir)
    assert "nasnet_tf.evaluation.evaluate" in line_of(error)
    saved = read_config([model_dir / "config.yaml"])
    with pytest.raises(InputError, match=r"^data\.source: 'python'"):
        train(saved, model_dir)


def test_held_out_of_arrays(tmp_path, arrays, capsys):
    config = small_job(tmp_path, "recipe.steps=1")
    names = list("abcdefghij")
    train(config, tmp_path / "fifth", data=arrays, class_names=names)
    out = capsys.readouterr().out
    split = json.loads((tmp_path / "fifth" / "images.json").read_text())
    count = len(split["held_out"])
    assert count == pytest.approx(208 / 5, abs=5)
    assert split["class_names"] == names
    assert f"data from Python without the held-out ones: {208 - count}" in out
    assert "no evaluation_data to evaluate on: a fifth of each class, " in out
    config.data.held_out = 30
    train(config, tmp_path / "some", data=arrays, quiet=True)
    split = json.loads((tmp_path / "some" / "images.json").read_text())
    assert len(split["held_out"]) == 30


def shifted(images):
    """Of another size, grey, as floats."""
    return images[:, 2:-4, 4:, :1].astype("float64")


def dataset_of(images, labels, batch=None):
    dataset = tf.data.Dataset.from_tensor_slices((images, labels))
    return dataset.batch(batch) if batch else dataset


class Batches(keras.utils.PyDataset):
    """Batches of 30 that count their epochs."""

    def __init__(self, images, labels):
        super().__init__()
        self._images, self._labels = images, labels
        self.epochs = 0

    def __len__(self):
        return math.ceil(len(self._images) / 30)

    def __getitem__(self, number):
        part = slice(30 * number, 30 * (number + 1))
        return self._images[part], self._labels[part]

    def on_epoch_end(self):
        self.epochs += 1


def test_datasets_are_streams(tmp_path, arrays, held_out, capsys):
    config = small_job(tmp_path, "recipe.steps=null,recipe.epochs=2")
    config.recipe.batch_size = 50
    config.runtime.checkpoint_every_steps = 5
    images, labels = arrays
    one_hot = np.eye(10, dtype="float32")[labels]
    forms = {
        "examples": dataset_of(shifted(images), labels),
        "batches": dataset_of(shifted(images), one_hot, 32),
        "py_dataset": Batches(shifted(images), one_hot),
    }
    for name, data in forms.items():
        result = train(
            config,
            tmp_path / name,
            data=data,
            evaluation_data=dataset_of(*held_out, 20),
        )
        # Two epochs of 208 images.
        assert result.step == 8
        assert "data from Python: 208 images of 10" in capsys.readouterr().out
        assert weights_equal(tmp_path / "examples", tmp_path / name)
    # The second one had begun to be drawn ahead.
    assert forms["py_dataset"].epochs >= 1
    saved = read_config([tmp_path / "batches" / "config.yaml"])
    assert (saved.data.source, saved.data.digest) == ("python", None)


def test_a_stream_goes_on_with_what_comes_next(
    tmp_path, arrays, monkeypatch, capsys
):
    config = small_job(tmp_path, "runtime.checkpoint_every_steps=3")
    data = dataset_of(*arrays)
    arguments = {"data": data, "evaluate": False}
    train(config, tmp_path / "whole", **arguments)
    assert "the program that gives it" not in capsys.readouterr().out
    original = job_module.TrainingLog.training

    def stop(self, step, metrics):
        original(self, step, metrics)
        if step == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(job_module.TrainingLog, "training", stop)
        train(config, tmp_path / "stopped", **arguments)
    capsys.readouterr()
    train(config, tmp_path / "stopped", **arguments)
    out = capsys.readouterr().out
    assert "up to the program that gives it" in out
    assert "going on from the checkpoint of step 3" in out
    assert weights_equal(tmp_path / "whole", tmp_path / "stopped")


def test_workers_with_other_arrays_are_refused(monkeypatch):
    mine = DataConfig(source="python", digest="0123456789abcdef")
    other = 0xFEDCBA
    monkeypatch.setattr(
        job_checks,
        "over_all_workers",
        lambda value: (value + other, value**2 + other**2),
    )
    with pytest.raises(InputError, match=r"^data: the workers were given"):
        job_checks.check_same_arrays(mine, 2)
    other = 0x012345
    job_checks.check_same_arrays(mine, 2)
