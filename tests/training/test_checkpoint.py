"""Checkpoints of jobs: whole, or not there."""

import contextlib
import resource

import keras
import numpy as np
import pytest

from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.lock import exclusive
from nasnet_tf.networks.variables import named_variables
from nasnet_tf.training.checkpoint import (
    JobCheckpoint,
    averages_by_name,
    newest_checkpoint,
    restore_network,
    save_network_config,
)
from nasnet_tf.training.config import RecipeConfig
from nasnet_tf.training.network import initialize
from nasnet_tf.training.optimizer import make_optimizer
from nasnet_tf.zoo.configured_network import ModelConfig
from tests.conftest import tiny_network
from tests.training.jobs import one_block


@contextlib.contextmanager
def no_room(size=64):
    """No file may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def job_parts(folder, **recipe):
    model = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, name="dense"),
            keras.layers.Dropout(0.5, seed=1, name="dropout"),
        ]
    )
    optimizer = make_optimizer(RecipeConfig(**recipe), 0.1)
    optimizer.build(model.trainable_variables)
    return model, optimizer, JobCheckpoint(folder, model, optimizer, keep=2)


def update(model, optimizer):
    gradients = [keras.ops.ones(v.shape) for v in model.trainable_variables]
    optimizer.apply(gradients, model.trainable_variables)


def test_restores_all_that_the_next_step_depends_on(tmp_path):
    model, optimizer, checkpoint = job_parts(tmp_path, ema_momentum=0.5)
    update(model, optimizer)
    model(np.ones((1, 3)), training=True)
    update(model, optimizer)
    checkpoint.save(2)
    state = [v.numpy() for v in (*model.variables, *optimizer.variables)]
    dropped = model(np.ones((1, 3)), training=True).numpy()
    update(model, optimizer)
    again, its_optimizer, its_checkpoint = job_parts(tmp_path, ema_momentum=0.5)
    assert its_checkpoint.restore() == 2
    restored = (*again.variables, *its_optimizer.variables)
    for value, variable in zip(state, restored, strict=True):
        np.testing.assert_array_equal(value, variable.numpy())
    np.testing.assert_array_equal(
        again(np.ones((1, 3)), training=True).numpy(), dropped
    )


def test_full_disk_is_one_line_and_keeps_the_last_checkpoint(tmp_path):
    model, optimizer, checkpoint = job_parts(tmp_path)
    checkpoint.save(1)
    saved = model.layers[0].kernel.numpy()
    update(model, optimizer)
    with (
        no_room(),
        pytest.raises(InputError, match=r"step 2 cannot be written") as error,
    ):
        checkpoint.save(2)
    assert "\n" not in str(error.value)
    assert "step-1; make room" in str(error.value)
    assert newest_checkpoint(tmp_path).endswith("step-1")
    again, _, its_checkpoint = job_parts(tmp_path)
    assert its_checkpoint.restore() == 1
    np.testing.assert_array_equal(again.layers[0].kernel.numpy(), saved)
    # With room again it goes on in the same process too.
    checkpoint.save(2)
    assert newest_checkpoint(tmp_path).endswith("step-2")


def test_old_checkpoints_go(tmp_path):
    _, _, checkpoint = job_parts(tmp_path)
    for step in (1, 2, 3):
        checkpoint.save(step)
    steps = {path.name for path in (tmp_path / "checkpoints").glob("*.index")}
    assert steps == {"step-2.index", "step-3.index"}


def test_all_checkpoints_damaged(tmp_path):
    _, _, checkpoint = job_parts(tmp_path)
    checkpoint.save(1)
    (tmp_path / "checkpoints" / "step-1.index").write_bytes(b"x")
    _, _, again = job_parts(tmp_path)
    with pytest.raises(InputError, match=r"step-1 cannot be read") as error:
        again.restore()
    assert "\n" not in str(error.value)


def test_averages_stand_for_weights(tmp_path):
    model, optimizer, _ = job_parts(tmp_path, ema_momentum=0.5)
    update(model, optimizer)
    update(model, optimizer)
    raw = named_variables(model)["dense/kernel"].numpy()
    averaged = averages_by_name(model, optimizer)["dense/kernel"].numpy()
    # The second step moved by 0.1 and by 0.9 * 0.1 of momentum.
    np.testing.assert_allclose(averaged - raw, 0.19 / 2, atol=1e-6)


def test_folder_without_a_job(tmp_path):
    with pytest.raises(InputError, match=r"holds no checkpoint of a training"):
        restore_network(tmp_path)
    (tmp_path / "params.yaml").touch()
    with pytest.raises(InputError, match=r"is a detector's; python"):
        restore_network(tmp_path)


def test_one_process_trains_in_a_folder(tmp_path):
    folder = tmp_path / "new" / "job"
    with (
        exclusive(folder),
        pytest.raises(InputError, match=r"another process trains in"),
        exclusive(folder),
    ):
        pass
    with exclusive(folder):
        pass


def test_folder_that_cannot_be_trained_in_is_one_line(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "job" / ".lock").mkdir(parents=True)
    for name, line in (
        ("file", "file cannot be a folder (File exists); give another path"),
        ("job", "job/.lock cannot be written (Is a directory); give another "),
    ):
        with pytest.raises(InputError) as error, exclusive(tmp_path / name):
            pass
        assert str(error.value).startswith(f"model_dir: {tmp_path}/{line}")


def test_job_as_initial_weights_passes_over_a_damaged_checkpoint(tmp_path):
    network = tiny_network(one_block(), classifier_activation=None)
    optimizer = make_optimizer(RecipeConfig(), 0.1)
    optimizer.build(network.trainable_variables)
    checkpoint = JobCheckpoint(tmp_path, network, optimizer)
    save_network_config(tmp_path, network)
    checkpoint.save(1)
    checkpoint.save(2)
    (tmp_path / "checkpoints" / "step-2.index").write_bytes(b"x")
    _, step = restore_network(tmp_path)
    assert step == 1
    model = ModelConfig(initial_weights=str(tmp_path))
    again = tiny_network(one_block(), classifier_activation=None)
    told = initialize(again, model)
    assert "its classifier included" in told
    np.testing.assert_array_equal(
        again.get_layer("logits").kernel, network.get_layer("logits").kernel
    )
    other = tiny_network(one_block(), classes=3)
    assert "new: logits" in initialize(other, model)
