"""The loop of a job, with a step that only counts."""

import contextlib
import os
import signal
import threading
import types

import numpy as np
import pytest
import tensorflow as tf

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.training import loop
from nasnet_tf.training.callbacks import JobCallbacks
from nasnet_tf.training.config import ExperimentConfig, RuntimeConfig
from nasnet_tf.training.strategy import distribution_strategy


class Log:
    """Keeps what it is told."""

    def __init__(self):
        self.lines, self.evaluations, self.shown = [], [], []
        self.last = None
        self.began = None

    def started(self, step):
        self.began = step

    def aside(self):
        return contextlib.nullcontext()

    def images(self, step, images):
        self.shown.append((step, images.shape))

    def training(self, step, metrics):
        self.lines.append((step, metrics["loss"]))

    def evaluation(self, step, metrics):
        self.evaluations.append((step, metrics))
        self.last = {"step": step, **metrics}


class Checkpoint:
    newest = "checkpoints/step-4"

    def __init__(self):
        self.saved = []

    def save(self, step):
        self.saved.append(step)


def run(losses, cadence, start=0, stop=None):
    log, checkpoint, settled = Log(), Checkpoint(), []
    values = iter(losses)
    batches = iter([(np.zeros((2, 4, 4, 3)), np.zeros(2))] * len(losses))

    def train_step(images, labels):
        del images, labels
        return {"loss": tf.constant(next(values))}

    step = loop.run_steps(
        cadence,
        start,
        ((tf.constant(x), y) for x, y in batches),
        train_step,
        lambda step: {"accuracy": 0.5},
        settled.append,
        log,
        checkpoint,
        stop or threading.Event(),
        types.SimpleNamespace(exhausted=False),
        JobCallbacks((), None, cadence),
    )
    return step, log, checkpoint, settled


def cadence(**values):
    defaults = {
        "steps": 7,
        "steps_per_epoch": 3.0,
        "log": 2,
        "evaluate": 3,
        "checkpoint": 4,
    }
    return loop.Cadence(**{**defaults, **values})


def test_logs_means_evaluates_and_saves():
    losses = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    step, log, checkpoint, settled = run(losses, cadence())
    assert step == 7
    # Also where it evaluates (3, 6) and at the end.
    assert log.lines == [(2, 1.5), (3, 3), (4, 4), (6, 5.5), (7, 7)]
    assert [number for number, _ in log.evaluations] == [3, 6, 7]
    assert checkpoint.saved == [4, 7]
    assert settled == [3, 4, 6, 7]
    assert log.shown == [(0, (2, 4, 4, 3))]
    assert log.began == 1


def test_goes_on_from_a_step():
    step, log, checkpoint, _ = run([5.0, 6.0, 7.0], cadence(), start=4)
    assert (step, checkpoint.saved, log.began) == (7, [7], 5)
    assert log.lines == [(6, 5.5), (7, 7)]


def test_finished_job_makes_no_step():
    step, log, checkpoint, _ = run([], cadence(), start=7)
    assert (step, log.lines, checkpoint.saved) == (7, [], [])


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_stops_at_a_loss_that_is_not_finite(bad):
    with pytest.raises(JobError) as error:
        run([1.0, 2.0, 3.0, 4.0, 5.0, bad, 7.0], cadence(evaluate=None, log=7))
    message = str(error.value)
    assert f"loss is {bad} at step 6" in message
    assert "checkpoints/step-4" in message
    assert "\n" not in message


def test_nothing_is_saved_after_a_bad_step(monkeypatch):
    saved = []
    monkeypatch.setattr(
        Checkpoint, "save", lambda self, step: saved.append(step)
    )
    losses = [1.0, 1.0, 1.0, 1.0, float("nan"), 1.0, 1.0, 1.0]
    with pytest.raises(JobError):
        run(losses, cadence(steps=8, evaluate=None, log=100))
    assert saved == [4]


def test_stop_saves_where_it_stands():
    stop = threading.Event()
    stop.set()
    step, log, checkpoint, _ = run([1.0], cadence(), start=2, stop=stop)
    assert (step, log.lines, checkpoint.saved) == (2, [], [])
    counted = []

    class Stopping(threading.Event):
        def is_set(self):
            counted.append(True)
            return len(counted) > 2

    step, log, checkpoint, settled = run(
        [1.0, 3.0], cadence(log=100), stop=Stopping()
    )
    assert (step, log.lines, checkpoint.saved) == (2, [(2, 2.0)], [2])
    assert settled


def test_signals_ask_to_stop_once():
    usual = signal.getsignal(signal.SIGTERM)
    with loop.stop_requested() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(1)
        assert signal.getsignal(signal.SIGTERM) == usual
    assert signal.getsignal(signal.SIGTERM) == usual
    with loop.stop_requested(heed=False):
        assert signal.getsignal(signal.SIGTERM) == usual


def test_cadence_of_a_configuration():
    config = ExperimentConfig()
    config.recipe.epochs = 2.5
    config.recipe.batch_size = 32
    config.runtime.evaluate_every_epochs = 0.5
    got = loop.Cadence.of(config, 1000)
    assert got.steps_per_epoch == 31.25
    assert (got.steps, got.evaluate, got.checkpoint) == (78, 16, 31)
    config.recipe.epochs, config.recipe.steps = None, 40
    config.runtime.checkpoint_every_steps = 7
    got = loop.Cadence.of(config, 1000, evaluate=False)
    assert (got.steps, got.evaluate, got.checkpoint) == (40, None, 7)
    assert got.due("checkpoint", 14) and got.due("checkpoint", 40)
    assert not got.due("evaluate", 40)


@pytest.mark.parametrize(
    "text, said",
    [
        (None, "needs TF_CONFIG"),
        ("{", "cannot be used"),
        ('{"cluster": {"worker": ["a:1"]}}', "cannot be used"),
        (
            '{"cluster": {"worker": ["a:1"]}, '
            '"task": {"type": "worker", "index": 1}}',
            "cannot be used",
        ),
        (
            '{"cluster": {"ps": ["a:1"], "worker": ["b:1"]}, '
            '"task": {"type": "worker", "index": 0}}',
            "only tasks of type worker",
        ),
    ],
)
def test_bad_tf_config_is_one_line(monkeypatch, text, said):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match=said) as error:
        distribution_strategy(RuntimeConfig(strategy="multi_worker"))
    assert "\n" not in str(error.value)
