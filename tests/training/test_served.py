"""What a job evaluates and saves: averaged weights, measured statistics."""

import keras
import numpy as np
import pytest

from nasnet_tf.data import open_data, open_evaluation, statistics_batches
from nasnet_tf.evaluation import evaluate
from nasnet_tf.networks.variables import is_statistic, named_variables
from nasnet_tf.training.checkpoint import restore_network
from nasnet_tf.training.job import train
from tests.training.jobs import small_job, variables_of

SLOW = (
    "model.batch_norm_momentum=0.999,recipe.ema_momentum=0.5,"
    "recipe.optimizer=adam,recipe.learning_rate=0.02,recipe.steps=30,"
    "recipe.batch_size=32,runtime.log_every_steps=15,"
    "model.penultimate_filters=64"
)


def run(folder, *overrides):
    config = small_job(folder, SLOW, *overrides)
    return config, train(config, folder / "job", quiet=True)


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """The same job with measured statistics and without."""
    return {
        policy: (folder, *run(folder, f"model.recalibrate_batch_norm={policy}"))
        for policy in ("auto", "never")
        if (folder := tmp_path_factory.mktemp(policy))
    }


def values(network):
    return {name: v.numpy() for name, v in named_variables(network).items()}


def test_training_is_the_same_bits(jobs):
    found = {
        policy: variables_of(folder / "job")
        for policy, (folder, _, _) in jobs.items()
    }
    served = {n for n in found["auto"] if n.startswith("statistics/")}
    assert served and found["auto"].keys() - served == found["never"].keys()
    for name, value in found["never"].items():
        np.testing.assert_array_equal(found["auto"][name], value, err_msg=name)


def test_evaluation_sees_what_training_made(jobs):
    (_, _, measured), (_, _, moving) = jobs["auto"], jobs["never"]
    trained = measured.history["training"]["accuracy"][-1]
    assert trained > 0.4
    assert measured.evaluation["accuracy"] > trained - 0.02
    assert moving.evaluation["accuracy"] < 0.2


def test_what_is_saved_is_what_was_evaluated(jobs):
    folder, config, result = jobs["auto"]
    saved = keras.saving.load_model(folder / "job" / "model.keras")
    restored, step = restore_network(folder / "job")
    assert step == 30
    raw, _ = restore_network(folder / "job", averaged=False)
    expected, other = values(result.model), values(raw)
    for network in (saved, restored):
        for name, value in values(network).items():
            np.testing.assert_array_equal(value, expected[name], err_msg=name)
    changed = [n for n in expected if (expected[n] != other[n]).any()]
    assert all(name in changed for name in expected if is_statistic(name))
    report = evaluate(saved, open_evaluation(config.data), config.data)
    assert report.top1 == pytest.approx(result.evaluation["accuracy"])
    assert report.loss == pytest.approx(result.evaluation["loss"], abs=1e-4)


def test_statistics_are_those_of_the_averaged_weights(jobs):
    """Of the stem, whose input is the images: its kernel alone counts."""
    _, config, result = jobs["auto"]
    model = result.model
    stem = keras.Model(model.input, model.get_layer("stem").output)
    batches = statistics_batches(
        open_data(config.data).train,
        model.image_reading,
        32,
        model.preprocessing,
        64,
        1000,
    )
    made = np.concatenate([np.asarray(stem(images)) for images in batches])
    assert len(made) == 1024
    norm = model.get_layer("stem_norm")
    for statistic, expected in (
        (norm.moving_mean, made.mean((0, 1, 2), "float64")),
        (norm.moving_variance, made.var((0, 1, 2), "float64")),
    ):
        np.testing.assert_allclose(statistic, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_long_training_is_left_alone(tmp_path):
    """Where the moving statistics follow, they serve."""
    run(
        tmp_path,
        "model.batch_norm_momentum=0.0",
        "recipe.ema_momentum=0.0",
        "recipe.steps=21",
    )
    stored = variables_of(tmp_path / "job")
    served = [name for name in stored if name.startswith("statistics/")]
    assert served
    for name in served:
        moving = stored[name.replace("statistics/", "network/", 1)]
        np.testing.assert_array_equal(stored[name], moving)


def test_a_finished_job_gives_the_same_again(jobs):
    folder, config, result = jobs["auto"]
    again = train(config, folder / "job", quiet=True)
    assert again.complete and again.step == 30
    for name, value in values(again.model).items():
        np.testing.assert_array_equal(value, values(result.model)[name])
