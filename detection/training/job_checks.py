"""What is checked before a job starts: its trainer, data and folder.

All raise `InputError`, one line.
"""

import tensorflow as tf

from detection.data.data_sources import data_categories
from detection.data.records import check_whole
from detection.training.job_folder import PARAMS_FILE, read_params
from detection.training.tasks import has_initial_weights
from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.values import flatten

# Of `task.model`: what has no weights.
_CHANGEABLE = ("regions_at_once", "detection_generator.")


def check_trainer(trainer) -> None:
    """Whether the trainer's intervals and optimizer fit each other."""
    if trainer.steps_per_loop < 1:
        raise InputError(
            f"trainer.steps_per_loop: {trainer.steps_per_loop} is not 1 or more"
        )
    optimizer = trainer.optimizer_config.optimizer.type
    if trainer.optimizer_config.ema and optimizer.endswith("_experimental"):
        raise InputError(
            f"trainer.optimizer_config.ema: it does not work with {optimizer}; "
            "take sgd, adam or rmsprop, or set it to null"
        )
    for name in ("summary_interval", "checkpoint_interval"):
        interval = getattr(trainer, name)
        # Orbit acts between its loops of steps only.
        if interval % trainer.steps_per_loop:
            raise InputError(
                f"trainer.{name}: {interval} is not a multiple of "
                f"trainer.steps_per_loop, {trainer.steps_per_loop}; change one"
            )


def check_data(params, trains: bool, evaluates: bool) -> None:
    """Whether the data that are used are there, and fit the model."""
    task = params.task
    used = {"train_data": trains, "validation_data": evaluates}
    for key in (key for key, is_used in used.items() if is_used):
        data = getattr(task, key)
        if data.global_batch_size < 1:
            raise InputError(
                f"task.{key}.global_batch_size: {data.global_batch_size} is "
                "not 1 or more"
            )
        if data.tfds_name:
            _check_tfds(key, data)
        else:
            _check_input_path(f"task.{key}.input_path", data.input_path)
        _check_num_classes(task.model.num_classes, key, data)
    _check_same_categories(task, trains and evaluates)
    _check_stretching(task)
    if task.annotation_file and not tf.io.gfile.exists(task.annotation_file):
        raise InputError(
            f"task.annotation_file: {task.annotation_file} does not exist; "
            "give COCO's JSON of the validation data, or set it to null"
        )


def _check_num_classes(number, key, data):
    categories = data_categories(data)
    needed = categories.num_classes
    if not categories or number == needed:
        return
    if number < needed:
        problem = "too few"
    # A validation set may lack categories, and before records had labels more
    # outputs than ids were trained too.
    elif key == "train_data" and categories.has_labels:
        problem = "too many"
    else:
        return
    raise InputError(
        f"task.model.num_classes: {number} is {problem} for the "
        f"{len(categories)} categories of task.{key}, whose labels go to "
        f"{needed - 1}; set it to {needed}, background included"
    )


def _check_tfds(key, data):
    if data.input_path:
        raise InputError(
            f"task.{key}.input_path: {data.input_path!r} beside "
            f'task.{key}.tfds_name; set task.{key}.input_path=""'
        )
    if not data.tfds_split:
        raise InputError(
            f"task.{key}.tfds_split: missing; give the split of "
            f"{data.tfds_name}, such as train"
        )


def _check_stretching(task):
    """An image that is fitted otherwise would be an AP that is too low."""
    if not hasattr(task.train_data.parser, "half_pixel_centers"):
        return
    for name in ("keep_aspect_ratio", "half_pixel_centers"):
        ours, theirs = (
            getattr(data.parser, name)
            for data in (task.train_data, task.validation_data)
        )
        if ours != theirs:
            raise InputError(
                f"task.validation_data.parser.{name}: {theirs}, and {ours} in "
                "task.train_data; set both to the same"
            )
    parser = task.train_data.parser
    if parser.keep_aspect_ratio and not parser.half_pixel_centers:
        raise InputError(
            "task.train_data.parser.half_pixel_centers: false is for images "
            "that are stretched; set keep_aspect_ratio to false, or this to "
            "true"
        )
    if not parser.keep_aspect_ratio and getattr(parser.aug_type, "type", None):
        raise InputError(
            f"task.train_data.parser.aug_type: {parser.aug_type.type!r} is for "
            "images whose aspect ratio is kept; leave it out"
        )


def _check_same_categories(task, both):
    """A wrong mapping would be an AP of 0."""
    if not both:
        return
    trained, validated = map(
        data_categories, (task.train_data, task.validation_data)
    )
    for number in sorted(trained.keys() & validated.keys()):
        if trained[number] != validated[number]:
            raise InputError(
                f"task.validation_data: category {number} is "
                f"{validated[number]!r} there and {trained[number]!r} in "
                "task.train_data; convert both from the same categories"
            )
    ours, theirs = trained.by_label(), validated.by_label()
    for label in sorted(ours.keys() & theirs.keys()):
        if ours[label] != theirs[label]:
            raise InputError(
                f"task.validation_data: label {label} is category "
                f"{theirs[label]} there and {ours[label]} in task.train_data; "
                "convert both from the same categories"
            )


def _check_input_path(name, input_path):
    patterns = input_path
    if isinstance(input_path, str):
        patterns = input_path.split(",")
    if not patterns:
        raise InputError(f"{name}: an empty list; give the path of TFRecords")
    for pattern in patterns:
        files = tf.io.gfile.glob(str(pattern).strip())
        if not files:
            raise InputError(
                f"{name}: {pattern!r} matches no file; write TFRecords by "
                "python -m detection.coco, or give their path"
            )
        check_whole(files, name)


def check_same_job(params, model_dir) -> None:
    """A checkpoint of another network cannot be restored."""
    if not (model_dir / PARAMS_FILE).is_file():
        return
    if tf.train.latest_checkpoint(str(model_dir)) is None:
        return
    saved, now = read_params(model_dir).task, params.task
    before, values = _what_is_trained(saved), _what_is_trained(now)
    # Not which weights it began with counts, but whether there were some.
    if has_initial_weights(saved) == has_initial_weights(now):
        del values["task.initial_weights"]
    for name, value in values.items():
        if before.get(name) != value:
            raise InputError(
                f"model_dir: {model_dir} holds a job of another model, "
                f"{name}: {before.get(name)!r} there, {value!r} now; give "
                "another folder, or the same configuration"
            )


def _what_is_trained(task):
    """By name, what a checkpoint and its optimizer depend on."""
    return {
        f"task.model.{name}": value
        for name, value in flatten(task.model.as_dict()).items()
        if not name.startswith(_CHANGEABLE)
    } | {
        "task.freeze_backbone": task.freeze_backbone,
        "task.initial_weights": task.initial_weights,
    }
