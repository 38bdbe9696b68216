"""What is checked before a job trains: its folder, its batch, its workers.

All raise `InputError`, one line.
"""

from nasnet_tf.checks.errors import InputError
from nasnet_tf.data.given import check_same_data
from nasnet_tf.training.checkpoint import CONFIG_FILE, newest_checkpoint
from nasnet_tf.training.config_files import first_difference, read_config
from nasnet_tf.training.results import MODEL_FILE
from nasnet_tf.training.strategy import over_all_workers

# How long a job trains.
_LENGTH = ("recipe.epochs:", "recipe.steps:")


def check_agreed(start, replicas):
    """Refuses workers that found different checkpoints."""
    if not _all_have(start, replicas):
        raise InputError(
            f"model_dir: the workers go on from different steps, this one from "
            f"{start:,}; give all of them one shared folder"
        )


def check_same_arrays(data, replicas):
    """Refuses workers that were given different arrays."""
    # Small enough that the squares of all sum to an int64.
    number = int((data.digest or "0")[:6], 16)
    if not _all_have(number, replicas):
        raise InputError(
            "data: the workers were given different images, labels or "
            "class_names; give all of them the same"
        )


def _all_have(number, replicas):
    """Whether all workers have the same number."""
    if replicas == 1:
        return True
    total, squares = over_all_workers(number)
    # Equal only if all numbers are (Cauchy and Schwarz).
    return total**2 == squares * replicas


def check_resumable(model_dir, config):
    """Refuses a folder whose checkpoint is of another configuration."""
    saved = model_dir / CONFIG_FILE
    if newest_checkpoint(model_dir) is None or not saved.is_file():
        return
    before = read_config([saved])
    check_same_data(before.data, config.data, model_dir)
    difference = first_difference(before, config)
    if not difference:
        return
    remedy = "give another model_dir or the same configuration"
    finished = model_dir / MODEL_FILE
    if difference.startswith(_LENGTH) and finished.is_file():
        # Its schedule came to its end: there is no way on from there.
        remedy = (
            "the job is done; to train its network longer give another "
            f"model_dir and model.initial_weights={finished}"
        )
    raise InputError(
        f"model_dir: {model_dir} holds a job of another configuration: "
        f"{difference}; {remedy}"
    )


def check_batch_size(batch_size, strategy):
    """Refuses a batch that the devices cannot share evenly."""
    replicas = strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise InputError(
            f"recipe.batch_size: {batch_size} images cannot be split evenly "
            f"over {replicas} devices; give a multiple of {replicas}"
        )
