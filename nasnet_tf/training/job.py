"""A training job, from its configuration to its saved network."""

import time
from collections.abc import Sequence
from contextlib import nullcontext

import keras
import tensorflow as tf

from nasnet_tf import data as datasets
from nasnet_tf.checks.arguments import expanded_path
from nasnet_tf.checks.errors import JobError, first_line
from nasnet_tf.configuration.files import save_config
from nasnet_tf.data.decodable import check_decoded
from nasnet_tf.data.given import GivenData
from nasnet_tf.data.reading import configured_reading
from nasnet_tf.data.split import read_split
from nasnet_tf.files.lock import exclusive
from nasnet_tf.networks.batch_norm_statistics import trained_norms
from nasnet_tf.training import distributed, loop, momentum_checks
from nasnet_tf.training.best import BestNetwork
from nasnet_tf.training.callbacks import JobCallbacks, check_callbacks
from nasnet_tf.training.checkpoint import (
    CONFIG_FILE,
    JobCheckpoint,
    newest_checkpoint,
    save_network_config,
)
from nasnet_tf.training.config import ExperimentConfig
from nasnet_tf.training.config_checks import check_config
from nasnet_tf.training.job_checks import (
    check_agreed,
    check_batch_size,
    check_resumable,
    check_same_arrays,
)
from nasnet_tf.training.network import build_network, initialize
from nasnet_tf.training.optimizer import make_optimizer
from nasnet_tf.training.phases import (
    PhasedStep,
    classifier_only,
    classifier_optimizer,
)
from nasnet_tf.training.results import (
    TrainingResult,
    write_results,
)
from nasnet_tf.training.schedules import learning_rate_schedule
from nasnet_tf.training.served import ServedNetwork
from nasnet_tf.training.strategy import (
    distribution_strategy,
    network_scope,
    over_all_workers,
    worker_count,
    worker_index,
)
from nasnet_tf.training.training_log import TrainingLog
from nasnet_tf.zoo.inference import for_inference


def train(
    config: ExperimentConfig,
    model_dir,
    evaluate: bool = True,
    quiet: bool = False,
    data=None,
    evaluation_data=None,
    class_names: Sequence[str] | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> TrainingResult:
    """Trains a network, or goes on where an earlier run of the job stopped.

    The same configuration gives the same weights, bit for bit on a CPU,
    whether or not the job was stopped on the way.

    Args:
        config: of the job; see `nasnet_tf.training.config_files.read_config`.
        model_dir: folder of the job's files. One that holds a checkpoint of
            the same configuration is resumed.
        evaluate: measure on the evaluation images on the way and at the end.
        quiet: print nothing.
        data: images to train on, in place of those that `config.data` names:
            arrays `(images, labels)`; a `tf.data.Dataset` of pairs of image
            and label, one at a time or in batches; or a Keras `PyDataset`.
            Images are `(n, height, width, 3)`, or of 1 channel for grey, of
            any size, uint8 or floats, 0 to 255; labels are integers or
            one-hot. Arrays are used as any set of images is: shuffled,
            augmented and batched as `config` says, and a job goes on with
            the same arrays only. A dataset is an epoch, in the order that it
            gives itself: it is not shuffled, and that a job goes on with the
            same bits takes one that gives the same order each time.
        evaluation_data: in the same forms, to evaluate on. Without it
            `config.data.held_out` of the arrays are held out, or a fifth of
            each class.
        class_names: by label; None: `"0"`, `"1"`, ...
        callbacks: of Keras, such as those of wandb and MLflow. They get the
            network as their model, which returns logits and is not compiled
            but has its `optimizer`, and are called as by `fit`: around
            training and each epoch, with `loss`, `accuracy`, ...,
            `learning_rate`, and, of an epoch with an evaluation, `val_loss`,
            `val_accuracy`, ... Batches are told at those steps only that are
            logged (`runtime.log_every_steps`, and where an epoch ends, an
            evaluation is made or a checkpoint saved), with the means since
            the last one; of tests nothing is told. The epochs have a whole
            number of steps; `on_train_end` comes when the files are written.
            A callback that sets `model.stop_training` ends the job, which is
            then complete; as what callbacks know is not kept, the same call
            goes on. Keras knows which way is better of `val_loss` alone:
            give others their `mode`. Of several workers each calls its own,
            and they must stop at the same step.

    Returns:
        The trained network and what was written.

    Raises:
        InputError: the configuration, the data or the folder is bad; one line.
        JobError: the loss is not finite, or another worker stopped.

    Example:
    >>> config = read_config(["digits"], "recipe.epochs=2")
    >>> result = train(config, "runs/digits")
    >>> result = train(config, "runs/mine", data=(images, labels))
    """
    check_callbacks(callbacks)
    given = GivenData.of(data, evaluation_data, class_names)
    if given:
        config = config.replace(data=given.configured(config.data))
    check_config(config)
    model_dir = expanded_path("model_dir", model_dir)
    check_resumable(model_dir, config)
    strategy = distribution_strategy(config.runtime)
    check_batch_size(config.recipe.batch_size, strategy)
    begun = newest_checkpoint(model_dir) is not None
    opened = datasets.open_data(
        config.data,
        config.runtime.seed,
        evaluate,
        # Before the first checkpoint nothing was trained on, and all is open.
        read_split(model_dir) if begun else None,
        begins=not begun,
        given=given,
    )
    with strategy.scope():
        alone = exclusive(model_dir) if worker_index() == 0 else nullcontext()
    try:
        with alone:
            return _run(config, model_dir, opened, strategy, quiet, callbacks)
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        raise JobError(
            f"another worker stopped ({first_line(error)}); start all of them "
            "again with the same command to go on"
        ) from error
    except tf.errors.ResourceExhaustedError as error:
        raise JobError(
            f"recipe.batch_size: {config.recipe.batch_size} images of this "
            "network do not fit into memory; lower it, or give "
            "model.rematerialize=true"
        ) from error


def _run(config, model_dir, data, strategy, quiet, callbacks):
    with strategy.scope():
        job = _Job(config, model_dir, data, quiet, callbacks)
        step = job.run()
        with datasets.decoding_errors():
            # It may measure statistics, and so read images.
            weights = job.served.weights(step)
    job.tell_skipped()
    # Outside the scope: a network made there is made on all workers.
    result = job.finish(step, weights)
    with strategy.scope():
        # A worker that ends early looks to the others like a crash.
        over_all_workers(step)
    job.checkpoint.discard()
    return result


class _Job:
    """The parts of a job, made in the scope of its strategy."""

    def __init__(self, config, model_dir, data, quiet, callbacks):
        self.config = config
        self.model_dir = model_dir
        self.data = data
        self.begun = time.monotonic()
        self.strategy = tf.distribute.get_strategy()
        self.chief = worker_index() == 0
        self.cadence = loop.Cadence.of(
            config, data.train.size, evaluate=data.evaluation is not None
        )
        # Keras's initialisers draw from the global seeds.
        keras.utils.set_random_seed(config.runtime.seed)
        self.network = self._network()
        resumes = newest_checkpoint(model_dir) is not None
        self.first_weights = initialize(
            self.network, config.model, load=not resumes
        )
        self.optimizer = make_optimizer(
            config.recipe,
            learning_rate_schedule(
                config.recipe,
                self.cadence.network_steps,
                self.cadence.steps_per_epoch,
            ),
            config.model.dtype,
        )
        self.optimizer.build(self.network.trainable_variables)
        self.first_optimizer = None
        if self.cadence.classifier_steps:
            self.first_optimizer = classifier_optimizer(
                self.network, config.recipe, config.model.dtype
            )
        self.corrupt = datasets.CorruptImages()
        self.served = ServedNetwork(
            self.network,
            self.optimizer,
            self._measurement(),
            config.model.recalibrate_batch_norm,
            self.cadence.classifier_steps,
        )
        self.checkpoint = JobCheckpoint(
            model_dir,
            self.network,
            self.optimizer,
            config.runtime.keep_checkpoints,
            worker_index(),
            self.served.statistics,
            self.first_optimizer,
        )
        self.start = self.checkpoint.restore()
        check_agreed(self.start, self.strategy.num_replicas_in_sync)
        check_same_arrays(config.data, self.strategy.num_replicas_in_sync)
        self.best = BestNetwork(
            self.checkpoint.folder,
            self.start,
            config.recipe.patience,
            self.cadence.classifier_steps,
            self.chief,
        )
        self.callbacks = JobCallbacks(
            callbacks, self.network, self.cadence, self.optimizer
        )
        if self.chief:
            save_config(config, model_dir / CONFIG_FILE)
            save_network_config(model_dir, self.network)
            data.split.save(model_dir)
        self.log = TrainingLog(
            model_dir,
            self.cadence.steps,
            self.cadence.steps_per_epoch,
            config.recipe.batch_size,
            self.start,
            tensorboard=config.runtime.tensorboard,
            quiet=quiet,
            chief=self.chief,
        )

    def _network(self):
        with network_scope(self.strategy):
            return build_network(
                self.config.model,
                self.data.class_names,
                self.cadence.network_steps,
                self.config.runtime.seed,
                self.data.train.channels,
                self.config.runtime.synchronized_batch_norm,
                configured_reading(self.config.data),
            )

    def _measurement(self):
        """What measures batch-norm statistics, where there are trained ones."""
        if not trained_norms(self.network):
            return None
        return distributed.statistics_function(
            self.data.train, self.network, self.config, self.corrupt
        )

    def _train_step(self):
        def function(optimizer):
            return distributed.train_function(
                self.data.train, self.network, optimizer, self.config
            )

        step = function(self.optimizer)
        if not self.first_optimizer:
            return step
        # A step trains what is trainable when it is made and traced.
        with classifier_only(self.network):
            first = function(self.first_optimizer)
        left = self.cadence.classifier_steps - self.start
        return PhasedStep(first, step, self.network, left)

    def _evaluation(self):
        measure = distributed.evaluation_function(
            self.data.evaluation, self.served, self.config, self.corrupt
        )

        def evaluate(step):
            metrics = measure()
            self.best.add(step, metrics, lambda: self.served.weights(step))
            return metrics

        return evaluate

    def run(self) -> int:
        """Trains to the last step, or where it is stopped; which it was."""
        # A signal to one of several workers would make it save alone.
        heed = worker_count() == 1
        with self.log, loop.stop_requested(heed) as stop:
            self._announce()
            with datasets.decoding_errors():
                return loop.run_steps(
                    self.cadence,
                    self.start,
                    distributed.training_batches(
                        self.data.train,
                        self.network,
                        self.config,
                        self.start,
                        self.corrupt,
                    ),
                    self._train_step(),
                    self._evaluation(),
                    self.served.settle,
                    self.log,
                    self.checkpoint,
                    stop,
                    self.best,
                    self.callbacks,
                )

    def _announce(self):
        config, network = self.config, self.network
        momentum = network.get_config()["batch_norm_momentum"]
        steps = self.cadence.network_steps
        measured = bool(self.served.statistics)
        lines = [
            f"{self.data.train.name}: {self.data.train.size:,} images of "
            f"{len(self.data.class_names)} classes; {network.name} of "
            f"{network.count_params():,} parameters; {self.cadence.steps:,} "
            f"steps of {config.recipe.batch_size} images on "
            f"{self.strategy.num_replicas_in_sync} device(s)",
            *self.data.notes,
            self.first_weights,
            momentum_checks.batch_norm_warning(momentum, steps, measured),
            momentum_checks.average_warning(config.recipe.ema_momentum, steps),
            self._first_phase(),
        ]
        if self.start:
            lines.append(f"going on from the checkpoint of step {self.start:,}")
        for line in filter(None, lines):
            self.log.message(line)

    def _first_phase(self):
        recipe, steps = self.config.recipe, self.cadence.classifier_steps
        if steps:
            return (
                f"the first {steps:,} steps train the classifier alone, at a "
                f"rate of {recipe.classifier_learning_rate:g}"
            )
        if recipe.classifier_epochs:
            return (
                f"recipe.classifier_epochs: {recipe.classifier_epochs:g} are "
                "left out: without model.initial_weights there are no features "
                "to train a classifier on"
            )
        return None

    def tell_skipped(self):
        """Names what could not be decoded; a class of no other is an error."""
        if not self.corrupt.count:
            return
        check_decoded(self.data.train, self.corrupt)
        images = "image" if self.corrupt.count == 1 else "images"
        self.log.message(
            f"skipped {self.corrupt.count:,} {images} that cannot be decoded: "
            f"{self.corrupt}"
        )

    def finish(self, step, weights) -> TrainingResult:
        """Writes what the job leaves behind."""
        ended = self.best.exhausted or self.callbacks.stopped
        complete = step >= self.cadence.steps or ended
        model = for_inference(self.network.get_config(), weights)
        files = {}
        if complete and self.chief:
            files = write_results(
                self.model_dir,
                model,
                self.config,
                self.log,
                {
                    "training_size": self.data.train.size,
                    "evaluation_name": getattr(
                        self.data.evaluation, "name", None
                    ),
                    "evaluation_size": getattr(self.data.evaluation, "size", 0),
                    "replicas": self.strategy.num_replicas_in_sync,
                    "seconds": self.log.seconds,
                    "steps": step,
                    "corrupt_images": self.corrupt.names,
                    "initial_weights": self.first_weights
                    or self.config.model.initial_weights,
                },
                self.best.weights(),
            )
        self.callbacks.end()
        return TrainingResult(
            model=model,
            step=step,
            complete=complete,
            evaluation=self.log.last,
            history=self.log.history() if self.chief else {},
            seconds=time.monotonic() - self.begun,
            files=files,
        )
