"""The loop of a training job."""

import contextlib
import dataclasses
import math
import signal
import threading

import tensorflow as tf

from nasnet_tf.checks.errors import InputError, JobError
from nasnet_tf.training.config import ExperimentConfig
from nasnet_tf.training.config_checks import check_warmup

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Of these a mean tells nothing.
LATEST = ("learning_rate",)


@dataclasses.dataclass(frozen=True)
class Cadence:
    """After how many steps a job does what.

    Args:
        steps: of the whole training, its first phase included.
        steps_per_epoch: a fraction where the images do not fill the batches.
        log: progress.
        evaluate: on the evaluation images; None: never.
        checkpoint: saves.
        classifier_steps: of the first phase, which trains the classifier.
    """

    steps: int
    steps_per_epoch: float
    log: int
    evaluate: int | None
    checkpoint: int
    classifier_steps: int = 0

    @classmethod
    def of(cls, config: ExperimentConfig, size: int, evaluate: bool = True):
        """The cadence of a configuration.

        Args:
            config: of the job.
            size: number of training images.
            evaluate: whether to evaluate at all.
        """
        recipe, runtime = config.recipe, config.runtime
        per_epoch = size / recipe.batch_size

        def steps(epochs):
            return max(1, round(epochs * per_epoch))

        every = steps(runtime.evaluate_every_epochs) if evaluate else None
        first = 0
        if recipe.classifier_epochs and config.model.initial_weights:
            first = steps(recipe.classifier_epochs)
        second = recipe.steps or steps(recipe.epochs)
        check_warmup(recipe, second, per_epoch)
        return cls(
            steps=first + second,
            steps_per_epoch=per_epoch,
            log=runtime.log_every_steps,
            evaluate=every,
            checkpoint=runtime.checkpoint_every_steps or steps(1),
            classifier_steps=first,
        )

    @property
    def epoch_steps(self) -> int:
        """An epoch in whole steps."""
        return max(1, round(self.steps_per_epoch))

    @property
    def network_steps(self) -> int:
        """Those of the second phase, which trains the whole network."""
        return self.steps - self.classifier_steps

    def due(self, what: str, step: int) -> bool:
        """Whether `step` is one of `what`; the last step is one of all."""
        every = getattr(self, what)
        return every is not None and (step % every == 0 or step == self.steps)


def run_steps(
    cadence: Cadence,
    start: int,
    batches,
    train_step,
    evaluate,
    settle,
    log,
    checkpoint,
    stop,
    best,
    callbacks,
) -> int:
    """Trains from step `start` on and returns the step it stopped at.

    That is the last one, or where `stop` was set, `best` is exhausted or a
    callback stopped it; there a checkpoint is written.

    Args:
        cadence: when to do what.
        start: steps done already.
        batches: an iterator over what the step takes.
        train_step: `(images, labels)` to a dict of scalar tensors.
        evaluate: the step to a dict of floats.
        settle: called with the step before weights are evaluated or saved.
        log: a `TrainingLog`.
        checkpoint: a `JobCheckpoint`.
        stop: an event.
        best: a `BestNetwork`, which `evaluate` tells.
        callbacks: a `JobCallbacks`.

    Raises:
        JobError: the loss or the gradient is not finite.
        InputError: a checkpoint cannot be written.
    """
    recent, step, saved = [], start, start
    callbacks.begin()
    while step < cadence.steps and not (
        stop.is_set() or best.exhausted or callbacks.stopped
    ):
        batch = next(batches)
        if step == start:
            log.images(step, _first_images(batch))
        evaluation = cadence.due("evaluate", step + 1)
        saving = cadence.due("checkpoint", step + 1)
        ends_epoch = callbacks.ends_epoch(step + 1)
        logging = cadence.due("log", step + 1) or evaluation or saving
        logging = logging or ends_epoch
        callbacks.before(step + 1, logging)
        recent.append(train_step(*batch))
        step += 1
        if step == start + 1:
            # Wait for it: tracing and compiling are no part of the speed.
            float(recent[0]["loss"])
            log.started(step)
        if logging:
            means = _means(recent, step, checkpoint)
            log.training(step, means)
            callbacks.trained(step, means, len(recent))
            recent = []
        if evaluation or saving:
            with log.aside():
                settle(step)
                try:
                    if evaluation:
                        metrics = evaluate(step)
                        log.evaluation(step, metrics)
                        callbacks.evaluated(metrics)
                except InputError:
                    # An image that cannot be read costs no training.
                    checkpoint.save(step)
                    raise
                if saving:
                    checkpoint.save(step)
                    saved = step
        if ends_epoch:
            callbacks.end_epoch(step)
    if recent:
        log.training(step, _means(recent, step, checkpoint))
    # An earlier run may have ended at an image that cannot be read, and a
    # callback between two evaluations.
    ended = step >= cadence.steps or callbacks.stopped
    if cadence.evaluate and ended and not _evaluated(log, step):
        settle(step)
        metrics = evaluate(step)
        log.evaluation(step, metrics)
        callbacks.evaluated(metrics)
    if callbacks.stopped:
        callbacks.end_epoch(step)
    if step > saved:
        settle(step)
        checkpoint.save(step)
    return step


@contextlib.contextmanager
def stop_requested(heed: bool = True):
    """Gives an event that the first interrupt or termination signal sets.

    The second one ends the process as usual. Outside the main thread, where
    Python delivers no signals, nothing sets it.

    Args:
        heed: False leaves the signals alone.
    """
    stop = threading.Event()
    in_main = threading.current_thread() is threading.main_thread()
    if not heed or not in_main:
        yield stop
        return
    usual = {number: signal.getsignal(number) for number in _SIGNALS}

    def request(number, frame):
        del frame
        stop.set()
        signal.signal(number, usual[number])

    for number in _SIGNALS:
        signal.signal(number, request)
    try:
        yield stop
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def _evaluated(log, step):
    """Whether an earlier run evaluated at this step."""
    return log.last is not None and log.last["step"] == step


def _first_images(batch):
    images = tf.distribute.get_strategy().experimental_local_results(batch[0])
    return images[0].numpy()


def _means(recent, step, checkpoint):
    """The mean of each scalar since the last line; fails where one is bad.

    Of a rate the latest value.
    """
    # Here and not at each step, which would wait for the device.
    rows = [{k: float(v) for k, v in scalars.items()} for scalars in recent]
    for number, row in enumerate(rows, start=step - len(rows) + 1):
        for name, value in row.items():
            if not math.isfinite(value):
                raise JobError(
                    f"{name.replace('_', ' ')} is {value} at step {number}; "
                    "nothing was saved since the last good checkpoint, "
                    f"{checkpoint.newest or 'none yet'}; lower "
                    "recipe.learning_rate or set recipe.clip_norm, with "
                    "another model_dir (model.initial_weights takes this one)"
                )
    means = {
        name: sum(row[name] for row in rows) / len(rows) for name in rows[0]
    }
    return {**means, **{k: rows[-1][k] for k in LATEST if k in means}}
