"""Keras callbacks in a job."""

import csv

import keras
import numpy as np
import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.training.callbacks import JobCallbacks
from nasnet_tf.training.job import train
from nasnet_tf.training.loop import Cadence
from tests.conftest import line_of
from tests.training.jobs import small_job, variables_of

pytestmark = pytest.mark.usefixtures("few_digits")


class Recording(keras.callbacks.Callback):
    """Keeps what it is told, and what it was then at."""

    def __init__(self, model_dir):
        super().__init__()
        self.model_dir, self.told = model_dir, []

    def _keep(self, *what):
        self.told.append(what)

    def on_train_begin(self, logs=None):
        # As MLflow logs it.
        assert self.model.optimizer.get_config()["momentum"] == 0.9
        self._keep("train begins")

    def on_train_end(self, logs=None):
        assert (self.model_dir / "model.keras").is_file()
        self._keep("train ends", logs)

    def on_epoch_begin(self, epoch, logs=None):
        self._keep("epoch begins", epoch)

    def on_epoch_end(self, epoch, logs=None):
        # As wandb reads it, which is the rate of the step that is next.
        rate = float(self.model.optimizer.learning_rate.numpy().item())
        assert 0 <= rate < logs["learning_rate"]
        self._keep("epoch ends", epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        self._keep("batch begins", batch)

    def on_train_batch_end(self, batch, logs=None):
        self._keep("batch ends", batch, logs)

    def of(self, what):
        return [told[1:] for told in self.told if told[0] == what]


def job_of(folder, *overrides):
    """Epochs of four steps of 52 images each."""
    config = small_job(folder, "recipe.steps=10", *overrides)
    config.recipe.batch_size = 52
    config.runtime.log_every_steps = 3
    return config


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    recording = Recording(folder / "model_dir")
    seen = []
    table = folder / "log.csv"
    result = train(
        job_of(folder),
        folder / "model_dir",
        quiet=True,
        callbacks=[
            recording,
            keras.callbacks.CSVLogger(str(table)),
            keras.callbacks.ModelCheckpoint(
                str(folder / "saved.keras"), save_best_only=True
            ),
            keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: seen.append(logs["val_loss"])
            ),
        ],
    )
    return recording, result, table, seen


def test_callbacks_are_called_as_fit_calls_them(job):
    recording, result, _, _ = job
    assert [told[:2] for told in recording.told[1:-1]] == [
        ("epoch begins", 0),
        ("batch begins", 2),
        ("batch ends", 2),
        ("batch begins", 3),
        ("batch ends", 3),
        ("epoch ends", 0),
        ("epoch begins", 1),
        ("batch begins", 1),
        ("batch ends", 1),
        ("batch begins", 3),
        ("batch ends", 3),
        ("epoch ends", 1),
        ("epoch begins", 2),
        ("batch begins", 0),
        ("batch ends", 0),
        ("batch begins", 1),
        ("batch ends", 1),
        ("epoch ends", 2),
    ]
    assert recording.told[0] == ("train begins",)
    assert recording.params == {"epochs": 3, "steps": 4, "verbose": 0}
    assert recording.model.output_shape == (None, 10)
    assert recording.of("train ends") == [(recording.of("epoch ends")[-1][1],)]
    assert result.complete


def test_logs_are_what_the_job_measured(job):
    recording, result, table, seen = job
    history = result.history
    assert history["training"]["step"] == [3, 4, 6, 8, 9, 10]
    batches = [logs for _, logs in recording.of("batch ends")]
    epochs = [logs for _, logs in recording.of("epoch ends")]
    for name in ("loss", "accuracy", "learning_rate"):
        means = history["training"][name]
        assert [logs[name] for logs in batches] == means
    loss = history["training"]["loss"]
    assert [logs["loss"] for logs in epochs] == pytest.approx(
        [
            (3 * loss[0] + loss[1]) / 4,
            (2 * loss[2] + 2 * loss[3]) / 4,
            (loss[4] + loss[5]) / 2,
        ]
    )
    rate = history["training"]["learning_rate"]
    assert [logs["learning_rate"] for logs in epochs] == [
        rate[1],
        rate[3],
        rate[5],
    ]
    for name in ("loss", "accuracy", "top_5", "balanced_accuracy"):
        evaluated = history["evaluation"][name]
        assert [logs[f"val_{name}"] for logs in epochs] == evaluated
    assert seen == history["evaluation"]["loss"]
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == seen
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]


def test_a_callback_saves_the_network(job):
    recording, result, table, _ = job
    saved = keras.saving.load_model(table.with_name("saved.keras"))
    assert saved.count_params() == recording.model.count_params()
    assert saved.class_names == result.model.class_names


def test_callbacks_change_nothing(job, tmp_path):
    recording, _, _, _ = job
    train(job_of(tmp_path), tmp_path / "without", quiet=True)
    first, second = map(
        variables_of, (recording.model_dir, tmp_path / "without")
    )
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


def test_early_stopping_and_going_on(tmp_path):
    config = job_of(tmp_path)
    model_dir = tmp_path / "model_dir"
    # No accuracy is so much better than one before.
    stopping = keras.callbacks.EarlyStopping(
        "val_accuracy", min_delta=2.0, patience=1, mode="max"
    )
    result = train(config, model_dir, quiet=True, callbacks=[stopping])
    assert (result.step, result.complete) == (8, True)
    assert result.evaluation["step"] == 8
    assert (model_dir / "model.keras").is_file()
    recording = Recording(model_dir)
    result = train(config, model_dir, quiet=True, callbacks=[recording])
    assert (result.step, result.complete) == (10, True)
    assert recording.of("epoch begins") == [(2,)]
    recording = Recording(model_dir)
    train(config, model_dir, quiet=True, callbacks=[recording])
    assert recording.told == [("train begins",), ("train ends", {})]


def test_stop_within_an_epoch(tmp_path):
    def stop(batch, logs):
        recording.model.stop_training = True

    recording = Recording(tmp_path / "model_dir")
    at_once = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    result = train(
        job_of(tmp_path),
        tmp_path / "model_dir",
        quiet=True,
        callbacks=[recording, at_once],
    )
    assert (result.step, result.complete) == (3, True)
    [(epoch, logs)] = recording.of("epoch ends")
    assert (epoch, logs["val_loss"]) == (0, result.evaluation["loss"])


def test_what_is_no_callback(tmp_path):
    for callbacks in ([print], print, [keras.callbacks.Callback]):
        with pytest.raises(InputError, match=r"^callbacks: ") as error:
            train(job_of(tmp_path), tmp_path / "x", callbacks=callbacks)
        assert "is no keras.callbacks.Callback" in line_of(error)


def test_epochs_are_whole_steps():
    cadence = Cadence(7, 2.6, 100, None, 100)
    model = keras.Sequential()
    recording = Recording(None)
    callbacks = JobCallbacks([recording], model, cadence)
    assert [step for step in range(1, 8) if callbacks.ends_epoch(step)] == [
        3,
        6,
        7,
    ]
    assert recording.params["epochs"] == 3
    assert not JobCallbacks((), model, cadence).stopped
