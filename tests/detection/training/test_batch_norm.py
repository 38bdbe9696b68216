"""Batch norm of detectors, measured anew where a training was short."""

import keras
import numpy as np
import orbit
import pytest
import tensorflow as tf
import tf_keras
from official.core import task_factory
from tensorflow.python.eager import context

from detection.job import _Runner, run_experiment
from detection.modeling import measured_norms
from detection.modeling.anchors import anchor_generator
from detection.modeling.backbone import to_unit_range
from detection.modeling.keras3_model import Keras3Model
from detection.modeling.serving import DetectionModule
from detection.training import recalibration
from detection.training.recalibration import announcement, measures
from nasnet_tf.checks.errors import InputError
from tests.conftest import line_of
from tests.detection import models
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


@pytest.fixture
def set_seed():
    """Of TensorFlow, for a test alone: images are shuffled by it too."""
    before = context.global_seed()
    yield tf.random.set_seed
    tf.random.set_seed(before)


def test_all_norms_in_one_pass(set_seed):
    """As a step of training with momentum 0 leaves them, each by its batch."""
    task, model = models.paper(
        ",task.model.rpn_head.use_batch_norm=true,"
        "task.model.rpn_head.objectness=sigmoid"
    )
    images, arguments = _batch(task.task_config)
    norms = measured_norms.trained_norms(model)
    # The cells on crops, and Model Garden's head of proposals.
    cells = model.detection_head[0].cells
    assert 0 < len(cells.trained_norms()) < len(norms)
    assert any(isinstance(norm, tf_keras.layers.Layer) for norm in norms)
    before = [norm.moving_mean.numpy() for norm in norms]
    with measured_norms.measured_batch_norms(model) as flat:
        set_seed(1)  # Of the regions that are sampled.
        model(images, **arguments, training=True)
        means, squares = (vector.numpy() for vector in flat())
    for norm, mean in zip(norms, before, strict=True):
        np.testing.assert_array_equal(norm.moving_mean, mean)
        norm.momentum = 0.0
    set_seed(1)
    model(images, **arguments, training=True)

    def joined(name):
        return np.concatenate([getattr(norm, name) for norm in norms])

    np.testing.assert_allclose(means, joined("moving_mean"), 1e-3, 1e-4)
    # TensorFlow's kernel averages the unbiased variance in tf_keras's norms.
    np.testing.assert_allclose(
        squares - means**2, joined("moving_variance"), 0.05, 1e-4
    )


def _batch(config):
    """Two images with a box each, and what training is given with them."""
    height, width, _ = config.model.input_size
    images = np.random.default_rng(0).normal(size=(2, height, width, 3))
    anchors = anchor_generator(config.model)((height, width))
    arguments = {
        "image_shape": tf.constant([[height, width]] * 2, tf.float32),
        "anchor_boxes": {
            level: tf.repeat(boxes[None], 2, axis=0)
            for level, boxes in anchors.items()
        },
        "gt_boxes": tf.constant([[[4, 4, 40, 40]]] * 2, tf.float32),
        "gt_classes": tf.ones((2, 1), tf.int32),
    }
    return tf.constant(images, tf.float32), arguments


def _wrapped(**options):
    """The smallest detector that has a batch norm."""

    def build():
        inputs = keras.Input((4, 4, 3))
        norm = keras.layers.BatchNormalization()
        return keras.Model(inputs, norm(inputs))

    return Keras3Model(build, **options)


def test_frozen_norms_keep_theirs(scene_records):
    model = _wrapped(freeze_batch_norm=True)
    assert not measured_norms.trained_norms(model)
    params = small_params(scene_records)
    params.task.model.norm_activation.norm_momentum = 0.99
    for choice in recalibration.CHOICES:
        params.task.recalibrate_batch_norm = choice
        assert announcement(params, 1, model) is None


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


class _Trainer(orbit.AbstractTrainer, orbit.AbstractEvaluator):
    """Counts steps, which is all that it has in common with Model Garden's."""

    task = optimizer = None

    def __init__(self, events):
        self.model = tf_keras.Sequential()
        self.strategy = tf.distribute.get_strategy()
        self.global_step = tf.Variable(0, dtype=tf.int64)
        self.checkpoint = tf.train.Checkpoint(step=self.global_step)
        self.events = events

    def initialize(self):
        pass

    def train(self, num_steps):
        self.global_step.assign_add(tf.cast(num_steps, tf.int64))
        return {"training_loss": tf.constant(0.0)}

    def evaluate(self, num_steps):
        self.events.append(("used", int(self.global_step)))


def test_measures_before_each_use(scene_records, tmp_path, monkeypatch):
    """Orbit saves after the first loop, and counts on from where it began."""
    events, save = [], tf.train.CheckpointManager.save

    def saved(manager, *args, **kwargs):
        path = save(manager, *args, **kwargs)
        if path:
            events.append(("used", int(path.rpartition("-")[2])))
        return path

    monkeypatch.setattr(tf.train.CheckpointManager, "save", saved)
    monkeypatch.setattr(
        recalibration.Recalibration,
        "_recalibrate",
        lambda self: events.append(
            ("measured", int(self._trainer.global_step))
        ),
    )

    def run(mode, steps):
        params = small_params(scene_records)
        params.trainer.checkpoint_interval = 4
        params.trainer.validation_interval = 6
        params.trainer.train_steps = steps
        trainer = _Trainer(events)
        folder = str(tmp_path / mode)
        _Runner(True, None, None, mode, params, folder, trainer=trainer).run()
        measured = [step for what, step in events if what == "measured"]
        order = list(dict.fromkeys(events))
        events.clear()
        assert order == [
            (what, step) for step in measured for what in ("measured", "used")
        ]
        return measured

    assert run("train", 8) == [2, 6, 8]
    assert run("train", 8) == []
    assert run("train_and_eval", 3) == [2, 3]
    assert run("train_and_eval", 10) == [7, 9, 10]


def test_when_it_measures(scene_records):
    params = small_params(scene_records, ",task.recalibrate_batch_norm=auto")
    model = _wrapped()
    norm = params.task.model.norm_activation
    params.trainer.train_steps, norm.norm_momentum = 500, 0.99
    assert measures(params, replicas=1)
    assert "measured anew" in announcement(params, 1, model)
    assert not measures(params, replicas=2)
    line = announcement(params, 2, model)
    assert line.startswith("task.model.norm_activation.norm_momentum: 0.99 is")
    assert line.endswith(
        "--params_override=task.model.norm_activation.norm_momentum=0.96"
    )
    norm.norm_momentum = 0.9
    assert not measures(params, replicas=1)
    assert announcement(params, 1, model) is None
    params.task.recalibrate_batch_norm = "always"
    with pytest.raises(InputError) as error:
        measures(params, replicas=2)
    assert "'always' with 2 replicas" in line_of(error)
    params.task.recalibrate_batch_norm = "allways"
    with pytest.raises(InputError) as error:
        measures(params, replicas=1)
    assert "'allways' is unknown; did you mean 'always'?" in line_of(error)
