"""A training job: Model Garden's trainer on an experiment of ours."""

import contextlib
import copy
import dataclasses
import pathlib
import time
from collections.abc import Callable

import tensorflow as tf
from official.common import distribute_utils
from official.core import config_definitions as cfg
from official.core import task_factory, train_lib
from official.modeling import hyperparams, performance

from detection.data.categories import CATEGORIES_FILE, write_categories
from detection.data.data_sources import data_categories
from detection.training.job_checks import (
    check_data,
    check_same_job,
    check_trainer,
)
from detection.training.job_folder import PARAMS_FILE, read_params
from detection.training.recalibration import (
    Recalibration,
    announcement,
    measures,
)
from detection.training.tasks import preprocessing_of_weights
from nasnet_tf.checks.errors import InputError, JobError, first_line
from nasnet_tf.files.lock import exclusive
from nasnet_tf.files.output_file import written_beside


@dataclasses.dataclass(frozen=True)
class JobResult:
    """What a job came to.

    Args:
        metrics: of the last evaluation; empty where it did not evaluate.
        files: what it wrote, by path.
        seconds: that it took.
        left_out: of the data, a line for each set that lost some.
    """

    metrics: dict[str, float]
    files: dict[pathlib.Path, str]
    seconds: float
    left_out: tuple[str, ...] = ()


def run_experiment(
    params: cfg.ExperimentConfig,
    mode: str,
    model_dir,
    strategy: tf.distribute.Strategy | None = None,
    on_progress: Callable[[dict], None] | None = None,
) -> JobResult:
    """Trains or evaluates a detector, as Model Garden's driver does.

    A job that was stopped goes on from its last checkpoint.

    Args:
        params: of `detection.experiments.read_experiment`.
        mode: Model Garden's: `"train"`, `"eval"`, `"train_and_eval"`,
            `"continuous_eval"` or `"train_and_post_eval"`.
        model_dir: folder of the job; its configuration, the names of the
            categories, checkpoints and TensorBoard files are written there.
        strategy: None: that of `params.runtime`.
        on_progress: called with the losses after every
            `trainer.steps_per_loop` steps.

    Raises:
        InputError: data are missing, a value does not fit another, or the
            folder is another job's or in use.
        JobError: the loss is no number, or too large.
    """
    start = time.perf_counter()
    model_dir = pathlib.Path(model_dir)
    trains = "train" in mode
    params = with_preprocessing(params, model_dir)
    check_trainer(params.trainer)
    check_data(params, trains, evaluates="eval" in mode)
    check_same_job(params, model_dir)
    missing = tf.train.latest_checkpoint(str(model_dir)) is None
    # Continuous evaluation waits for the first one.
    if mode == "eval" and missing:
        raise InputError(
            f"model_dir: {model_dir} holds no checkpoint to evaluate; train "
            "first, or give another folder"
        )
    policy = params.runtime.mixed_precision_dtype
    # Before anything is built: layers take it when they are made.
    if policy:
        performance.set_mixed_precision_policy(policy)
    if strategy is None:
        strategy = _strategy(params.runtime)
    chief = strategy.extended.should_checkpoint
    replicas = strategy.num_replicas_in_sync
    recalibrates = trains and measures(params, replicas)
    # What only evaluates may run beside what trains.
    with exclusive(model_dir) if chief and trains else contextlib.nullcontext():
        if trains and chief:
            save_params(params, model_dir)
        with strategy.scope():
            task = task_factory.get_task(
                params.task, logging_dir=str(model_dir)
            )
        metrics: dict[str, float] = {}
        try:
            runner = _Runner(
                recalibrates,
                strategy,
                task,
                mode,
                params,
                str(model_dir),
                train_actions=[on_progress] if on_progress else None,
                eval_actions=[metrics.update],
            )
            if trains and chief:
                model = runner.trainer.model
                if line := announcement(params, replicas, model):
                    print(line, flush=True)
            runner.run()
        except InputError as error:
            # gin adds lines about the functions that it was raised in.
            raise InputError(first_line(error)) from None
        except RuntimeError as error:
            # Model Garden's guard of the loss raises nothing more special.
            if "loss" not in str(error).lower():
                raise
            raise JobError(
                f"training failed: {first_line(error)}; lower "
                "trainer.optimizer_config.learning_rate"
            ) from error
    return JobResult(
        {name: float(value) for name, value in metrics.items()},
        _files(model_dir),
        time.perf_counter() - start,
    )


def with_preprocessing(
    params: cfg.ExperimentConfig, model_dir: pathlib.Path
) -> cfg.ExperimentConfig:
    """A configuration that says how images are scaled.

    The job's own, where there is one: a file of weights may be gone.
    """
    backbone = params.task.model.backbone
    if backbone.type != "nasnet" or backbone.nasnet.preprocessing is not None:
        return params
    params = copy.deepcopy(params)
    preprocessing = preprocessing_of_weights(params.task)
    if (model_dir / PARAMS_FILE).is_file():
        saved = read_params(model_dir).task.model.backbone
        if saved.type == "nasnet":
            preprocessing = saved.nasnet.preprocessing
    params.task.model.backbone.nasnet.preprocessing = preprocessing
    return params


class _Runner(train_lib.OrbitExperimentRunner):
    """Model Garden's, whose workers all restore the chief's checkpoint.

    Model Garden gives the others a folder of their own, which is empty when a
    job goes on: they would begin anew beside a chief that does not.

    Args:
        recalibrates: whether batch norm is measured; see `Recalibration`.
        *args: of Model Garden's.
        **kwargs: the same.
    """

    def __init__(self, recalibrates, *args, **kwargs):
        self._recalibrates = recalibrates
        super().__init__(*args, **kwargs)

    def _build_trainer(self, task, train, evaluate):
        trainer = super()._build_trainer(task, train, evaluate)
        optimizer = getattr(trainer, "optimizer", None)
        # An average wraps the optimizer that has the variables.
        optimizer = getattr(optimizer, "_optimizer", optimizer)
        build = getattr(optimizer, "build", None)
        if train and build is not None:
            # Else the first step makes its variables, and TensorFlow traces
            # that step a second time.
            with self.strategy.scope():
                build(trainer.model.trainable_variables)
        return trainer

    def _build_controller(self, *args, train_actions=None, **kwargs):
        actions = list(train_actions or ())
        if self._recalibrates:
            actions.append(
                Recalibration(
                    self.trainer.task,
                    self.params,
                    self.trainer,
                    self.strategy,
                    self.checkpoint_manager,
                    evaluates=self._mode == "train_and_eval",
                )
            )
        return super()._build_controller(*args, train_actions=actions, **kwargs)

    def _maybe_build_checkpoint_manager(self):
        manager = super()._maybe_build_checkpoint_manager()
        latest = tf.train.latest_checkpoint(self.model_dir)
        if self.strategy.extended.should_checkpoint or latest is None:
            return manager
        checkpoint = self.trainer.checkpoint
        return tf.train.CheckpointManager(
            checkpoint,
            directory=manager.directory,
            max_to_keep=1,
            step_counter=self.trainer.global_step,
            checkpoint_interval=self.params.trainer.checkpoint_interval,
            init_fn=lambda: checkpoint.restore(latest).expect_partial(),
        )


def _strategy(runtime):
    gpus = len(tf.config.list_physical_devices("GPU"))
    named = runtime.distribution_strategy
    if named in ("one_device", "off"):
        gpus = min(gpus, 1)
    try:
        if runtime.worker_hosts:
            distribute_utils.configure_cluster(
                runtime.worker_hosts, runtime.task_index
            )
        return distribute_utils.get_distribution_strategy(
            distribution_strategy=named,
            # Model Garden would leave GPUs idle that it is not told of.
            num_gpus=runtime.num_gpus or gpus,
            all_reduce_alg=runtime.all_reduce_alg,
            num_packs=runtime.num_packs,
            tpu_address=runtime.tpu,
        )
    except (ValueError, RuntimeError, tf.errors.OpError) as error:
        raise InputError(
            f"runtime.distribution_strategy: {named!r} cannot start "
            f"({first_line(error)}); choose one_device, mirrored or "
            "multi_worker_mirrored"
        ) from error


def save_params(params: cfg.ExperimentConfig, model_dir: pathlib.Path) -> None:
    """Writes a job's `params.yaml`, and the names of its categories."""
    with written_beside(model_dir / PARAMS_FILE, "model_dir") as beside:
        hyperparams.save_params_dict_to_yaml(params, str(beside))
    if categories := data_categories(params.task.train_data):
        path = model_dir / CATEGORIES_FILE
        with written_beside(path, "model_dir") as beside:
            write_categories(beside, categories)


def _files(model_dir):
    files = {}
    if (model_dir / PARAMS_FILE).is_file():
        files[model_dir / PARAMS_FILE] = "the configuration"
    checkpoint = tf.train.latest_checkpoint(str(model_dir))
    if checkpoint:
        files[pathlib.Path(f"{checkpoint}.index")] = "the last checkpoint"
    if (model_dir / CATEGORIES_FILE).is_file():
        files[model_dir / CATEGORIES_FILE] = "names of the categories"
    if (model_dir / "train").is_dir():
        files[model_dir / "train"] = "losses for TensorBoard"
    return files
