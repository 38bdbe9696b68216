"""A training job: Model Garden's trainer on an experiment of ours."""

import contextlib
import dataclasses
import pathlib
import shutil
import time
from collections.abc import Callable

import tensorflow as tf
from official.common import distribute_utils
from official.core import config_definitions as cfg
from official.core import task_factory, train_lib
from official.modeling import hyperparams, performance

from detection.data.records import check_whole
from detection.job_folder import (
    CATEGORIES_FILE,
    PARAMS_FILE,
    read_categories,
    read_params,
)
from nasnet_tf.errors import InputError, JobError, first_line
from nasnet_tf.output_file import written_beside
from nasnet_tf.training.checkpoint import exclusive
from nasnet_tf.training.config_checks import flatten


@dataclasses.dataclass(frozen=True)
class JobResult:
    """What a job came to.

    Args:
        metrics: of the last evaluation; empty where it did not evaluate.
        files: what it wrote, by path.
        seconds: that it took.
    """

    metrics: dict[str, float]
    files: dict[pathlib.Path, str]
    seconds: float


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
    _check_intervals(params.trainer)
    _check_data(params, trains, evaluates="eval" in mode)
    _check_same_job(params, model_dir)
    if not trains and tf.train.latest_checkpoint(str(model_dir)) is None:
        raise InputError(
            f"model_dir: {model_dir} holds no checkpoint to evaluate; train "
            "first, or give another folder"
        )
    policy = params.runtime.mixed_precision_dtype
    if policy:
        performance.set_mixed_precision_policy(policy)
    if strategy is None:
        strategy = _strategy(params.runtime)
    chief = strategy.extended.should_checkpoint
    with exclusive(model_dir) if chief and trains else contextlib.nullcontext():
        if trains and chief:
            _save_params(params, model_dir)
        with strategy.scope():
            task = task_factory.get_task(
                params.task, logging_dir=str(model_dir)
            )
        metrics = {}
        try:
            train_lib.run_experiment(
                strategy,
                task,
                mode,
                params,
                str(model_dir),
                train_actions=[on_progress] if on_progress else None,
                eval_actions=[metrics.update],
            )
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


def _strategy(runtime):
    gpus = len(tf.config.list_physical_devices("GPU"))
    named = runtime.distribution_strategy
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


def _check_intervals(trainer):
    for name in ("summary_interval", "checkpoint_interval"):
        interval = getattr(trainer, name)
        if interval % trainer.steps_per_loop:
            raise InputError(
                f"trainer.{name}: {interval} is not a multiple of "
                f"trainer.steps_per_loop, {trainer.steps_per_loop}; change one"
            )


def _check_data(params, trains, evaluates):
    task = params.task
    for key, used in (
        ("train_data", trains),
        ("validation_data", evaluates),
    ):
        data = getattr(task, key)
        if used and not data.tfds_name:
            _check_input_path(f"task.{key}.input_path", data.input_path)
    if task.annotation_file and not tf.io.gfile.exists(task.annotation_file):
        raise InputError(
            f"task.annotation_file: {task.annotation_file} does not exist; "
            "give COCO's JSON of the validation data, or set it to null"
        )
    categories = read_categories(_records_folder(task.train_data.input_path))
    if categories and task.model.num_classes <= max(categories):
        raise InputError(
            f"task.model.num_classes: {task.model.num_classes} is too few for "
            f"category id {max(categories)} of the data; set it to "
            f"{max(categories) + 1}, background included"
        )


def _check_input_path(name, input_path):
    patterns = input_path
    if isinstance(input_path, str):
        patterns = input_path.split(",")
    for pattern in patterns:
        files = tf.io.gfile.glob(str(pattern).strip())
        if not files:
            raise InputError(
                f"{name}: {pattern!r} matches no file; write TFRecords by "
                "python -m detection.coco, or give their path"
            )
        check_whole(files, name)


def _check_same_job(params, model_dir):
    """A checkpoint of another network cannot be restored."""
    if not (model_dir / PARAMS_FILE).is_file():
        return
    if tf.train.latest_checkpoint(str(model_dir)) is None:
        return
    saved = flatten(read_params(model_dir).task.model.as_dict())
    for name, value in flatten(params.task.model.as_dict()).items():
        if saved.get(name) != value:
            raise InputError(
                f"model_dir: {model_dir} holds a job of another model, "
                f"task.model.{name}: {saved.get(name)!r} there, {value!r} "
                "now; give another folder, or the same configuration"
            )


def _save_params(params, model_dir):
    with written_beside(model_dir / PARAMS_FILE, "model_dir") as beside:
        hyperparams.save_params_dict_to_yaml(params, str(beside))
    folder = _records_folder(params.task.train_data.input_path)
    categories = folder / CATEGORIES_FILE
    if categories.is_file():
        with written_beside(model_dir / CATEGORIES_FILE, "model_dir") as beside:
            shutil.copyfile(categories, beside)


def _records_folder(input_path):
    first = input_path if isinstance(input_path, str) else input_path[0]
    return pathlib.Path(first.split(",")[0].strip()).parent


def _files(model_dir):
    files = {model_dir / PARAMS_FILE: "the configuration"}
    checkpoint = tf.train.latest_checkpoint(str(model_dir))
    if checkpoint:
        files[pathlib.Path(f"{checkpoint}.index")] = "the last checkpoint"
    if (model_dir / CATEGORIES_FILE).is_file():
        files[model_dir / CATEGORIES_FILE] = "names of the categories"
    if (model_dir / "train").is_dir():
        files[model_dir / "train"] = "losses for TensorBoard"
    return files
