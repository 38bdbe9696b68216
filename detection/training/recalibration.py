"""Batch-norm statistics of detectors, measured anew where they are used.

As for classifiers: moving statistics lag behind the weights by
1 / (1 - momentum) steps, and after a short training a detector is another one
when it is evaluated or exported. Here they are assigned before each checkpoint
and each evaluation; training, which normalises by its batches, goes on with the
moving ones from there.
"""

import contextlib
import copy
import time

import tensorflow as tf
from official.core import config_definitions as cfg
from official.modeling import optimization

from detection.modeling import measured_norms
from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.batch_norm_statistics import PooledStatistics
from nasnet_tf.training.momentum_checks import batch_norm_warning, lags

CHOICES = ("auto", "always", "never")
# As many as a backbone's statistics need, and seconds beside the training.
IMAGES = 256
_KEY = "task.recalibrate_batch_norm"
_MOMENTUM = "task.model.norm_activation.norm_momentum"


def measures(params: cfg.ExperimentConfig, replicas: int) -> bool:
    """Whether a job measures its statistics anew.

    Args:
        params: of the job; `"auto"` measures where the momentum is too slow
            for `trainer.train_steps`.
        replicas: of its strategy. Several are not supported: `"auto"` then
            leaves the moving statistics.

    Raises:
        InputError: the choice is unknown, or `"always"` where it cannot be.
    """
    choice = params.task.recalibrate_batch_norm
    check_choice(_KEY, choice, CHOICES)
    if choice == "never":
        return False
    reason = _unsupported(params, replicas)
    if choice == "always" and reason:
        raise InputError(f"{_KEY}: 'always' with {reason}; set it to auto")
    return not reason and (choice == "always" or _lags(params))


def announcement(
    params: cfg.ExperimentConfig, replicas: int, model
) -> str | None:
    """A line for who trains with too slow a batch-norm momentum, or None.

    Args:
        params: of the job.
        replicas: of its strategy.
        model: of the job; where no batch norm is trained none is too slow.
    """
    if not measured_norms.trained_norms(model):
        return None
    momentum = params.task.model.norm_activation.norm_momentum
    steps = params.trainer.train_steps
    if not measures(params, replicas):
        return batch_norm_warning(momentum, steps, key=_MOMENTUM)
    if not _lags(params):
        return None
    return (
        f"batch norm's moving statistics of momentum {momentum:.10g} lag "
        f"behind in {steps:,} steps: they are measured anew before each "
        f"checkpoint and evaluation ({_KEY})"
    )


class Recalibration:
    """An action of Orbit's after a loop of steps: measures and assigns.

    Args:
        task: whose training images and model it takes.
        params: of the job.
        trainer: Model Garden's.
        strategy: of one replica.
        manager: of the job's checkpoints.
        evaluates: whether there are evaluations between the steps.
    """

    def __init__(self, task, params, trainer, strategy, manager, evaluates):
        self._task, self._params = task, params
        self._trainer, self._strategy = trainer, strategy
        self._manager, self._evaluates = manager, evaluates
        self._measure = None
        # Before the trainer restores it.
        self._first = self._saved_step() or 0

    def __call__(self, output) -> None:
        del output
        step = int(self._trainer.global_step.numpy())
        last = step == self._params.trainer.train_steps
        if last or self._is_saved(step) or self._is_evaluated(step):
            self._recalibrate()

    def _is_saved(self, step):
        """Orbit saves after the first loop, and then counts from the last."""
        interval = self._params.trainer.checkpoint_interval
        saved = self._saved_step()
        return bool(interval) and (saved is None or step >= saved + interval)

    def _is_evaluated(self, step):
        """Orbit counts from the step that it goes on from."""
        interval = self._params.trainer.validation_interval
        if not (self._evaluates and interval):
            return False
        return (step - self._first) % interval == 0

    def _saved_step(self):
        # Orbit numbers them by steps.
        latest = self._manager.latest_checkpoint
        return int(latest.rpartition("-")[2]) if latest else None

    def _recalibrate(self):
        model = self._trainer.model
        if not measured_norms.trained_norms(model):
            return
        begun, pooled = time.perf_counter(), PooledStatistics()
        with self._strategy.scope(), self._served_weights():
            if self._measure is None:
                self._measure = _measuring(model, self._task)
            for images, labels in self._batches():
                means, squares = self._measure(images, labels)
                pooled.add(means, squares, len(images))
            measured_norms.assign(model, *pooled.result())
        print(
            f"batch norm measured over {pooled.images:,} images in "
            f"{time.perf_counter() - begun:.1f} s",
            flush=True,
        )

    @contextlib.contextmanager
    def _served_weights(self):
        """The averaged weights, where these are what is evaluated."""
        optimizer = self._trainer.optimizer
        if not isinstance(optimizer, optimization.ExponentialMovingAverage):
            yield
            return
        # Its own exchange adds and subtracts, which costs the last bits.
        weights = self._trainer.model.trainable_variables
        values = [weight.numpy() for weight in weights]
        for weight in weights:
            weight.assign(optimizer.get_slot(weight, "average"))
        try:
            yield
        finally:
            for weight, value in zip(weights, values, strict=True):
                weight.assign(value)

    def _batches(self):
        data = _unaugmented(self._params.task.train_data)
        batches = -(-IMAGES // data.global_batch_size)
        return self._task.build_inputs(data).take(batches)


def _measuring(model, task):
    """A function of a batch: flat statistics, in one pass as in training."""

    # Traced inside the context: the norms' calls are the measuring ones.
    @tf.function(autograph=False)
    def measure(images, labels):
        with measured_norms.measured_batch_norms(model) as flat:
            model(images, **_arguments(task, labels), training=True)
            return flat()

    return lambda images, labels: [v.numpy() for v in measure(images, labels)]


def _arguments(task, labels):
    if "gt_boxes" not in labels:  # RetinaNet's
        return {}
    # The box head sees the regions that training samples for it.
    return {
        "image_shape": labels["image_info"][:, 1, :],
        "anchor_boxes": labels["anchor_boxes"],
        "gt_boxes": labels["gt_boxes"],
        "gt_classes": labels["gt_classes"],
    }


def _unaugmented(data):
    """The training data, always the same images, as they are.

    Still labelled for training, which the box head's regions are sampled by.
    """
    data = copy.deepcopy(data)
    # Without a seed the order would be another each time.
    data.override({"deterministic": True, "seed": data.seed or 0})
    parser = {
        "aug_rand_hflip": False,
        "aug_rand_vflip": False,
        "aug_scale_min": 1.0,
        "aug_scale_max": 1.0,
        "aug_type": None,
    }
    data.parser.override(
        {
            key: value
            for key, value in parser.items()
            if hasattr(data.parser, key)
        }
    )
    return data


def _lags(params):
    momentum = params.task.model.norm_activation.norm_momentum
    return lags(momentum, params.trainer.train_steps)


def _unsupported(params, replicas):
    if replicas > 1:
        return f"{replicas} replicas, whose statistics are not joined"
    ema = params.trainer.optimizer_config.ema
    if ema and not ema.trainable_weights_only:
        return (
            "trainer.optimizer_config.ema.trainable_weights_only false, which "
            "averages the statistics too"
        )
    return None
