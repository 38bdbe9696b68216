"""Batch norm of detectors, measured anew where a training was short."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from official.core import task_factory

from detection import recalibration
from detection.job import run_experiment
from detection.modeling import measured_norms
from detection.modeling.backbone import to_unit_range
from detection.recalibration import announcement, measures
from detection.serving import DetectionModule
from nasnet_tf.checks.errors import InputError
from tests.conftest import line_of
from tests.detection.small_jobs import small_params, write_records

IMAGES = 8


@pytest.fixture(scope="module")
def scene_records(tmp_path_factory):
    return write_records(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def job(scene_records, tmp_path_factory):
    """Folder and parameters of a job of four steps, its weights averaged.

    And what each measuring changed, by step: names of variables.
    """
    folder = tmp_path_factory.mktemp("job")
    params = small_params(
        scene_records,
        ",trainer.optimizer_config.optimizer.type=sgd"
        ",trainer.optimizer_config.ema.average_decay=0.9"
        ",task.recalibrate_batch_norm=always",
    )
    recalibrate, changed = recalibration.Recalibration._recalibrate, {}

    def compared(self):
        trainer = self._trainer
        watched = trainer.model.variables + trainer.optimizer.variables()
        before = [v.numpy() for v in watched]
        recalibrate(self)
        changed[int(trainer.global_step)] = [
            v.name
            for v, old in zip(watched, before, strict=True)
            if not np.array_equal(v, old)
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recalibration, "IMAGES", IMAGES)
        patch.setattr(recalibration.Recalibration, "_recalibrate", compared)
        run_experiment(params, "train", folder)
        run_experiment(params, "train", folder)
    return folder, params, changed


def variables(folder):
    reader = tf.train.load_checkpoint(tf.train.latest_checkpoint(str(folder)))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if "VARIABLE_VALUE" in name and "save_counter" not in name
    }


def test_nothing_but_statistics_changes(job):
    _, params, changed = job
    # Before each checkpoint; a finished job stays as it is.
    assert list(changed) == [2, 4]
    model = DetectionModule(params, batch_size=1).model
    statistics = [v.name for v in model.variables if "moving_" in v.name]
    for names in changed.values():
        assert [name for name in names if "moving_" not in name] == []
        assert len(names) == len(statistics)


def _inputs_of_first_norms(model, params):
    """What the stem's norm sees, which no other norm changes."""
    task = task_factory.get_task(params.task)
    data = recalibration._unaugmented(params.task.train_data)
    count = IMAGES // data.global_batch_size
    images = [images for images, _ in task.build_inputs(data).take(count)]
    network = model.backbone.keras3_model
    convolution = network.get_layer("conv0")
    stem = keras.Model(network.inputs, convolution.output)
    values = np.concatenate([stem(to_unit_range(i)).numpy() for i in images])
    return {network.get_layer("conv0_norm"): values.astype("float64")}


def test_all_norms_are_found(job):
    _, params, _ = job
    model = DetectionModule(params, batch_size=1).model
    norms = measured_norms.trained_norms(model)
    means = [v for v in model.variables if "moving_mean" in v.name]
    assert len(norms) == len(means)
    kinds = {isinstance(n, tf_keras.layers.Layer) for n in norms}
    assert kinds == {True, False}
    model.backbone.trainable = False
    left = measured_norms.trained_norms(model)
    assert 0 < len(left) < len(norms)
    assert all(isinstance(norm, tf_keras.layers.Layer) for norm in left)


def test_averaged_weights_get_their_own(job):
    """The checkpoint keeps both weights; the statistics are the average's."""
    folder, params, _ = job
    values = variables(folder)
    kernels = [
        n for n in values if "conv0" in n and "kernel" in n and "SLOT" not in n
    ]
    averages = [
        n for n in values if "conv0" in n and "kernel" in n and "average" in n
    ]
    assert len(kernels) == len(averages) == 1
    assert not np.array_equal(values[kernels[0]], values[averages[0]])
    module = DetectionModule(params, batch_size=1)
    tf.train.Checkpoint(model=module.model).read(
        tf.train.latest_checkpoint(str(folder))
    ).expect_partial()
    network = module.model.backbone.keras3_model
    network.get_layer("conv0").kernel.assign(values[averages[0]])
    for norm, seen in _inputs_of_first_norms(module.model, params).items():
        mean, variance = seen.mean((0, 1, 2)), seen.var((0, 1, 2))
        np.testing.assert_allclose(norm.moving_mean, mean, 1e-3, 1e-4)
        np.testing.assert_allclose(norm.moving_variance, variance, 1e-3, 1e-4)


def test_when_it_measures(scene_records):
    params = small_params(scene_records, ",task.recalibrate_batch_norm=auto")
    norm = params.task.model.norm_activation
    params.trainer.train_steps, norm.norm_momentum = 500, 0.99
    assert measures(params, replicas=1)
    assert "measured anew" in announcement(params, replicas=1)
    assert not measures(params, replicas=2)
    line = announcement(params, replicas=2)
    assert line.startswith("task.model.norm_activation.norm_momentum: 0.99 is")
    assert line.endswith(
        "--params_override=task.model.norm_activation.norm_momentum=0.96"
    )
    norm.norm_momentum = 0.9
    assert not measures(params, replicas=1)
    assert announcement(params, replicas=1) is None
    params.task.recalibrate_batch_norm = "always"
    with pytest.raises(InputError) as error:
        measures(params, replicas=2)
    assert "'always' with 2 replicas" in line_of(error)
    params.task.recalibrate_batch_norm = "allways"
    with pytest.raises(InputError) as error:
        measures(params, replicas=1)
    assert "'allways' is unknown; did you mean 'always'?" in line_of(error)
