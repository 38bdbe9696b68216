"""The classifier first, the best network kept, and an end before the last."""

import os
import signal

import keras
import numpy as np
import pytest

from nasnet_tf.data import open_evaluation
from nasnet_tf.evaluation import evaluate
from nasnet_tf.networks.variables import is_statistic, named_variables
from nasnet_tf.training import job as job_module
from nasnet_tf.training.best import BestNetwork
from nasnet_tf.training.job import train
from nasnet_tf.training.metrics_file import append_line
from tests.conftest import slow
from tests.training.jobs import small_job, variables_of

pytestmark = pytest.mark.usefixtures("few_digits")
PHASES = (
    "recipe.classifier_epochs=0.2,recipe.steps=4,runtime.seed=3,"
    "runtime.checkpoint_every_steps=2,recipe.ema_momentum=0.5,"
    "recipe.classifier_learning_rate=0.5,recipe.class_weights=balanced"
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    config = small_job(folder, "recipe.steps=2,model.auxiliary_head=true")
    result = train(config, folder / "job", quiet=True)
    return folder / "job" / "model.keras", result.model


@pytest.fixture(scope="module")
def job(weights, tmp_path_factory):
    """A job of 5 steps of the classifier and 4 of the network."""
    folder = tmp_path_factory.mktemp("phases")
    config = small_job(folder, PHASES, f"model.initial_weights={weights[0]}")
    return config, folder / "job", train(config, folder / "job", quiet=True)


def stopped_at(config, folder, step, monkeypatch):
    original = job_module.TrainingLog.training

    def training(self, at, metrics):
        original(self, at, metrics)
        if at == step:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patched:
        patched.setattr(job_module.TrainingLog, "training", training)
        return train(config, folder, quiet=True)


def test_the_first_phase_trains_the_classifier_alone(
    job, weights, tmp_path, monkeypatch
):
    config, _, _ = job
    result = stopped_at(config, tmp_path / "job", 5, monkeypatch)
    assert (result.step, result.complete) == (5, False)
    before = named_variables(weights[1])
    for name, variable in named_variables(result.model).items():
        same = np.array_equal(variable, before[name])
        assert same != name.startswith("logits"), name
    assert result.history["training"]["learning_rate"] == [0.5] * 5


def test_the_second_phase_trains_all(job, weights):
    config, _, result = job
    assert (result.step, result.complete) == (9, True)
    rates = result.history["training"]["learning_rate"]
    assert rates[5] == pytest.approx(config.recipe.learning_rate)
    before = named_variables(weights[1])
    for name, variable in named_variables(result.model).items():
        if name.endswith("kernel") or is_statistic(name):
            assert not np.array_equal(variable, before[name]), name


@pytest.mark.parametrize("stop", [slow(3), slow(7)])
def test_a_job_stopped_in_either_phase_ends_with_the_same_bits(
    job, tmp_path, monkeypatch, stop
):
    config, model_dir, _ = job
    stopped = stopped_at(config, tmp_path / "job", stop, monkeypatch)
    assert stopped.step == stop
    assert train(config, tmp_path / "job", quiet=True).complete
    expected, actual = variables_of(model_dir), variables_of(tmp_path / "job")
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)


def test_without_weights_there_is_no_first_phase(tmp_path, capsys):
    config = small_job(tmp_path, "recipe.classifier_epochs=2,recipe.steps=1")
    result = train(config, tmp_path / "job")
    assert result.step == 1
    assert "recipe.classifier_epochs: 2 are left out" in capsys.readouterr().out


@pytest.mark.slow
def test_the_best_network_is_kept_beside_the_last(tmp_path):
    # A rate that grows too large: what comes last is not the best.
    config = small_job(
        tmp_path,
        "recipe.optimizer=adam,recipe.learning_rate=0.3,recipe.steps=8,"
        "recipe.schedule=constant,runtime.evaluate_every_epochs=0.038",
        operation="separable_conv_3x3",
    )
    result = train(config, tmp_path / "job", quiet=True)
    evaluations = result.history["evaluation"]
    assert evaluations["step"] == list(range(1, 9))
    losses = evaluations["loss"]
    best = int(np.argmin(losses))
    assert best < 7
    saved = keras.saving.load_model(tmp_path / "job" / "best.keras")
    source = open_evaluation(config.data)
    report = evaluate(saved, source, config.data)
    assert report.loss == pytest.approx(losses[best], rel=1e-4)
    last = evaluate(result.model, source, config.data)
    assert last.loss == pytest.approx(losses[-1], rel=1e-4)
    patient = config.replace(recipe=config.recipe.replace(patience=1))
    stopped = train(patient, tmp_path / "patient", quiet=True)
    assert stopped.complete and stopped.step == best + 2 < 8
    again = train(patient, tmp_path / "patient", quiet=True)
    assert again.complete and again.step == stopped.step


def test_patience_is_a_function_of_the_evaluations(tmp_path):
    folder = tmp_path / "checkpoints"
    losses = {1: 3.0, 2: 1.0, 3: 2.0, 4: 1.5}
    for step, loss in losses.items():
        append_line(
            tmp_path / "metrics.jsonl",
            {"kind": "evaluation", "step": step, "loss": loss},
        )
    for start, exhausted in ((4, True), (3, False), (2, False)):
        best = BestNetwork(folder, start, patience=2)
        assert (best.step, best.exhausted) == (2, exhausted)
    assert not BestNetwork(folder, 4, patience=2, first=3).exhausted
    assert not BestNetwork(folder, 4).exhausted
    best = BestNetwork(folder, 3, patience=2)
    # Of another evaluation than the best.
    best.add(4, {"loss": 0.5}, lambda: {"kernel": np.ones(2)})
    assert BestNetwork(folder, 3).weights() is None
    np.testing.assert_array_equal(best.weights()["kernel"], np.ones(2))
    best.add(5, {"loss": float("nan")}, lambda: 1 / 0)
    assert best.step == 4
