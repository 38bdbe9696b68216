"""Training jobs from beginning to end, on digits."""

import copy
import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest

import nasnet_tf
from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.training import job as job_module
from nasnet_tf.training import job_checks
from nasnet_tf.training.checkpoint import restore_network
from nasnet_tf.training.config import ExperimentConfig, RecipeConfig
from nasnet_tf.training.config_checks import check_config
from nasnet_tf.training.job import train
from nasnet_tf.training.network import build_network, initialize
from nasnet_tf.zoo.configured_network import ModelConfig, network_arguments
from tests.conftest import line_of, slow
from tests.data.image_sets import write_folder
from tests.training.jobs import ALL_DRAWS, small_job, variables_of

pytestmark = pytest.mark.usefixtures("few_digits")


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A job of 6 steps with all that draws, and its folder."""
    folder = tmp_path_factory.mktemp("job")
    config = small_job(folder, ALL_DRAWS, "runtime.checkpoint_every_steps=2")
    model_dir = folder / "model_dir"
    return config, model_dir, train(config, model_dir, quiet=True)


def test_result(job):
    config, _, result = job
    assert (result.step, result.complete) == (6, True)
    assert result.history["training"]["step"] == [1, 2, 3, 4, 5, 6]
    rates = result.history["training"]["learning_rate"]
    assert rates[0] == pytest.approx(config.recipe.learning_rate)
    assert rates == sorted(rates, reverse=True)
    assert set(result.evaluation) >= {"loss", "accuracy", "top_5"}
    assert all(path.stat().st_size for path in result.files)


def test_saved_network(job):
    _, model_dir, result = job
    saved = keras.saving.load_model(model_dir / "model.keras")
    assert isinstance(saved, nasnet_tf.NASNet)
    assert saved.class_names == [str(digit) for digit in range(10)]
    assert saved.preprocessing == "whitening"
    assert "aux_predictions" not in saved.output_names
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3))
    np.testing.assert_array_equal(saved(images), result.model(images))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(saved(images)).sum(-1), 1, atol=1e-5
    )


def test_a_finished_job_names_the_way_to_train_longer(job):
    config, model_dir, _ = job
    longer = copy.deepcopy(config)
    longer.recipe.steps = 9
    with pytest.raises(InputError) as error:
        train(longer, model_dir)
    line = line_of(error)
    assert "recipe.steps: 6 in the checkpoint's configuration, 9 now" in line
    assert line.endswith(f"model.initial_weights={model_dir / 'model.keras'}")
    longer.recipe.batch_size = 4
    with pytest.raises(InputError, match="give another model_dir or the same"):
        train(longer, model_dir)


def test_saved_network_has_the_averaged_weights(job):
    _, model_dir, result = job
    restored, step = restore_network(model_dir)
    assert step == 6
    kernel = result.model.get_layer("logits").kernel
    np.testing.assert_array_equal(restored.get_layer("logits").kernel, kernel)
    raw, _ = restore_network(model_dir, averaged=False)
    assert np.abs(raw.get_layer("logits").kernel - kernel).max() > 1e-5


@pytest.mark.parametrize("stops", [(5,), slow((2, 5))])
def test_resumed_run_ends_with_the_same_bits(job, tmp_path, monkeypatch, stops):
    config, model_dir, result = job
    other = tmp_path / "stopped"
    # A signal comes during these steps: between two checkpoints.
    for stop_at in stops:
        original = job_module.TrainingLog.training

        def training(self, step, metrics, stop_at=stop_at, original=original):
            original(self, step, metrics)
            if step == stop_at:
                os.kill(os.getpid(), signal.SIGTERM)

        monkeypatch.setattr(job_module.TrainingLog, "training", training)
        stopped = train(config, other, quiet=True)
        monkeypatch.undo()
        assert (stopped.step, stopped.complete) == (stop_at, False)
    resumed = train(config, other, quiet=True)
    assert resumed.complete
    assert resumed.history["training"]["step"] == [1, 2, 3, 4, 5, 6]
    for name in ("loss", "gradient_norm"):
        assert (
            resumed.history["training"][name]
            == result.history["training"][name]
        )
    expected, actual = variables_of(model_dir), variables_of(other)
    assert expected.keys() == actual.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)


def test_finished_job_trains_nothing(job):
    config, model_dir, _ = job
    before = (model_dir / "metrics.jsonl").read_text()
    again = train(config, model_dir, quiet=True)
    assert (again.step, again.complete) == (6, True)
    assert (model_dir / "metrics.jsonl").read_text() == before


def test_another_configuration_is_refused(job):
    config, model_dir, _ = job
    config = copy.deepcopy(config)
    config.recipe.learning_rate = 0.5
    with pytest.raises(InputError, match=r"recipe\.learning_rate: 0\.025 in"):
        train(config, model_dir, quiet=True)


def test_damaged_checkpoint_is_passed_over(job, tmp_path):
    config, model_dir, _ = job
    copy = tmp_path / "copy"
    shutil.copytree(model_dir, copy)
    (copy / "checkpoints" / "step-6.index").write_bytes(b"damaged")
    train(config, copy, quiet=True)
    expected, actual = variables_of(model_dir), variables_of(copy)
    for name, value in expected.items():
        np.testing.assert_array_equal(actual[name], value, err_msg=name)


def test_loss_that_is_not_finite(tmp_path):
    config = small_job(
        tmp_path,
        "recipe.learning_rate=1e30",
        "runtime.checkpoint_every_steps=1",
    )
    with pytest.raises(JobError, match=r"at step .* last good checkpoint"):
        train(config, tmp_path / "job", quiet=True)
    values = variables_of(tmp_path / "job")
    finite = [np.isfinite(v).all() for v in values.values()]
    assert finite and any(finite)


def test_batch_of_uneven_shares():
    class Strategy:
        num_replicas_in_sync = 3

    with pytest.raises(InputError, match=r"recipe\.batch_size: 32 .* multiple"):
        job_checks.check_batch_size(32, Strategy)


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"model_dir: .* cannot be a folder"):
        train(small_job(tmp_path), tmp_path / "file" / "job", quiet=True)


def test_fine_tuning_names_the_new_head(job, tmp_path):
    config, model_dir, result = job
    model = config.model
    model.initial_weights = str(model_dir / "model.keras")
    model.freeze = "backbone"
    network = build_network(model, ["cat", "dog"], steps=3)
    told = initialize(network, model)
    model.initial_weights, model.freeze = None, "nothing"
    assert "new: " in told and "logits (32, 2)" in told
    assert "the file has 10 classes" in told
    np.testing.assert_array_equal(
        network.get_layer("stem").kernel,
        result.model.get_layer("stem").kernel,
    )
    trained = {v.path.split("/")[0] for v in network.trainable_variables}
    assert all(name.startswith(("logits", "aux")) for name in trained)


def test_metrics_are_json_lines(job):
    _, model_dir, _ = job
    lines = (model_dir / "metrics.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds.count("training") == 6
    assert kinds.count("evaluation") == 1


def test_network_is_that_of_the_weights(job):
    config, model_dir, result = job
    expected = network_arguments(config.model)
    for weights in (model_dir, model_dir / "model.keras"):
        model = ModelConfig(initial_weights=str(weights))
        got = network_arguments(model)
        assert tuple(got["input_shape"]) == (32, 32, 3)
        assert got["preprocessing"] == "whitening"
        for name in ("num_cells", "penultimate_filters", "stem"):
            assert got[name] == expected[name]
        assert got["genotype"] == result.model.genotype.to_dict()
        check_config(
            ExperimentConfig(model=model, recipe=RecipeConfig(steps=1))
        )
    for weights in ("imagenet", None, str(model_dir / "metrics.jsonl")):
        model = ModelConfig(initial_weights=weights)
        with pytest.raises(InputError, match=r"model\.preset: null"):
            check_config(
                ExperimentConfig(model=model, recipe=RecipeConfig(steps=1))
            )


def test_an_unreadable_image_costs_no_training(tmp_path):
    photos = write_folder(
        tmp_path / "photos", {"train": {"a": 8, "b": 8}, "test": {"a": 2}}
    )
    broken = photos / "test" / "a" / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff no image")
    config = small_job(
        tmp_path, f"data.source=folder,data.data_dir={photos},recipe.steps=4"
    )
    result = train(config, tmp_path / "job", quiet=True)
    assert result.complete and result.evaluation["step"] == 4
    card = (tmp_path / "job" / "model_card.md").read_text()
    line = "In the last run 1 image could not be decoded and was skipped "
    assert f"{line}({broken})." in card


def test_a_class_that_cannot_be_decoded_is_an_error(tmp_path):
    photos = write_folder(tmp_path / "photos", {"train": {"a": 8, "b": 8}})
    for path in (photos / "train" / "b").iterdir():
        path.write_bytes(b"")
    config = small_job(tmp_path, f"data.source=folder,data.data_dir={photos}")
    with pytest.raises(InputError, match=r"images of the class 'b' .* decoded"):
        train(config, tmp_path / "job", quiet=True)


def test_training_without_evaluation(tmp_path):
    photos = write_folder(tmp_path / "photos", {"train": {"a": 8, "b": 8}})
    (photos / "train" / "a" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    config = small_job(
        tmp_path, f"data.source=folder,data.data_dir={photos},recipe.steps=3"
    )
    result = train(config, tmp_path / "job", evaluate=False, quiet=True)
    assert result.complete and result.evaluation is None
    card = (tmp_path / "job" / "model_card.md").read_text()
    assert "The network was not evaluated." in card
    assert "In the last run 1 image could not be decoded" in card
