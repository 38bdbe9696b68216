"""Checkpoints of a job: all that its next step depends on."""

import json
import pathlib
import shutil

import tensorflow as tf
from absl import logging

from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.data.reading import configured_reading
from nasnet_tf.files.output_file import written_beside
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.networks.variables import is_statistic, named_variables
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.optimizer import moving_averages
from nasnet_tf.zoo.inference import for_inference

FOLDER = "checkpoints"
CONFIG_FILE = "config.yaml"
NETWORK_FILE = "network.json"
_PREFIX = "step"


class JobCheckpoint:
    """Saves and restores a job; the newest checkpoint is always whole.

    It holds the weights and statistics, the optimizer with its step, and the
    moving average of the weights. The order of the data, its augmentation,
    drop path and dropout are functions of the seed and the step, and need no
    state.

    A checkpoint is written under other names and then renamed, and the file
    that names the newest is replaced last: a job killed at any moment resumes
    from a whole one.

    Args:
        model_dir: of the job.
        model: the network.
        optimizer: built on the network's trainable variables.
        keep: how many checkpoints stay.
        worker: of several, each writes; `discard` drops the others' files.
        statistics: what is served in place of the network's moving ones, by
            name; it is saved, and not restored, as nothing depends on it.
        first_optimizer: of the first phase, where there is one; built.
    """

    def __init__(
        self,
        model_dir,
        model,
        optimizer,
        keep=3,
        worker=0,
        statistics=None,
        first_optimizer=None,
    ):
        self.folder = pathlib.Path(model_dir) / FOLDER
        # Not the optimizer's count: it skips steps whose float16 overflowed.
        self.step = tf.Variable(0, dtype="int64", trainable=False)
        averages = averages_by_name(model, optimizer)
        # Saved by name, for who reads the network without an optimizer.
        of_network = {id(variable) for variable in averages.values()}
        parts = {
            "step": self.step,
            "network": _values(named_variables(model)),
            "average": _values(averages),
            "optimizer": _numbered(optimizer, of_network),
        }
        if first_optimizer:
            parts["first_optimizer"] = _numbered(first_optimizer)
        self._restored = tf.train.Checkpoint(**parts)
        state = self._restored
        if statistics:
            state = tf.train.Checkpoint(**parts, statistics=statistics)
        self._reader = tf.train.CheckpointManager(
            state, str(self.folder), max_to_keep=keep, checkpoint_name=_PREFIX
        )
        self._writer = self._reader
        if worker:
            # Reading a variable takes all workers, so all save.
            self._writer = tf.train.CheckpointManager(
                state,
                str(self.folder / f"worker_{worker}"),
                # Nobody reads these.
                max_to_keep=1,
                checkpoint_name=_PREFIX,
            )

    def discard(self) -> None:
        """Removes what a worker wrote only because all have to take part."""
        if self._writer is not self._reader:
            shutil.rmtree(self._writer.directory, ignore_errors=True)

    @property
    def newest(self) -> str | None:
        """The prefix of the newest checkpoint."""
        return self._reader.latest_checkpoint

    def restore(self) -> int:
        """Restores the newest checkpoint and returns its step; 0 without one.

        One that is damaged is passed over with a warning.

        Raises:
            InputError: none can be read.
        """
        if not self._reader.checkpoints:
            return 0

        def read(prefix):
            status = self._restored.restore(prefix)
            if _has(prefix, "statistics"):
                # The statistics stay unread: nothing depends on them.
                status.expect_partial().assert_existing_objects_matched()
            else:
                status.assert_consumed()
            return int(self.step)

        return _newest_readable(self._reader.checkpoints, read)

    def save(self, step: int) -> str:
        """Saves the job and returns the prefix of the checkpoint.

        Raises:
            InputError: it cannot be written; the one before stays.
        """
        self.step.assign(step)
        try:
            return self._writer.save(checkpoint_number=step)
        except (OSError, tf.errors.OpError) as error:
            newest = self.newest or "none"
            raise InputError(
                f"model_dir: the checkpoint of step {step} cannot be written "
                f"({first_line(error)}); the last good checkpoint is "
                f"{newest}; make room and run the same command to go on"
            ) from None


def newest_checkpoint(model_dir) -> str | None:
    """The prefix of the newest checkpoint of a job, or None."""
    return tf.train.latest_checkpoint(str(pathlib.Path(model_dir) / FOLDER))


def trained_names(model) -> list[str]:
    """The names of the trainable variables, in their order."""
    names = {id(v): name for name, v in named_variables(model).items()}
    return [names[id(variable)] for variable in model.trainable_variables]


def save_network_config(model_dir, network: NASNet) -> None:
    """Writes what `restore_network` builds the network from."""
    path = pathlib.Path(model_dir) / NETWORK_FILE
    with written_beside(path, "model_dir") as beside:
        beside.write_text(json.dumps(network.get_config(), indent=1) + "\n")


def restore_network(model_dir, averaged: bool = True) -> tuple[NASNet, int]:
    """The network of a job as it was at its newest checkpoint, and its step.

    Args:
        model_dir: of the job.
        averaged: take the moving average of the weights where one was kept.

    Returns:
        The network as `for_inference` returns it, and the step.

    Raises:
        InputError: the folder holds no job, or no checkpoint yet.
    """
    path = pathlib.Path(model_dir) / NETWORK_FILE
    folder = str(pathlib.Path(model_dir) / FOLDER)
    known = tf.train.get_checkpoint_state(folder)
    if not path.is_file() or known is None:
        # Model Garden's trainer writes it.
        if (pathlib.Path(model_dir) / "params.yaml").is_file():
            raise InputError(
                f"model_dir: {model_dir} is a detector's; python -m "
                "detection.export, .evaluate and .predict take it as --model"
            )
        raise InputError(
            f"model_dir: {model_dir} holds no checkpoint of a training job; "
            "give the model_dir of python -m nasnet_tf.train"
        )
    config = json.loads(path.read_text())
    if config.get("image_reading") is None:
        # A job of before networks said it.
        config["image_reading"] = _configured_reading(model_dir)
    weights, step = _newest_readable(
        known.all_model_checkpoint_paths,
        lambda prefix: _read(config, prefix, averaged),
    )
    return for_inference(config, weights), step


def _configured_reading(model_dir):
    path = pathlib.Path(model_dir) / CONFIG_FILE
    if not path.is_file():
        return None
    return configured_reading(read_config([path]).data).to_dict()


def _read(config, prefix, averaged):
    """The weights of a checkpoint by name, and its step."""
    network = NASNet.from_config(config)
    variables = named_variables(network)
    step = tf.Variable(0, dtype="int64", trainable=False)
    has_average = _has(prefix, "average")
    wanted: dict[str, list[str]] = {"average": [], "statistics": []}
    if averaged and has_average:
        wanted["average"] = trained_names(network)
    # They were measured for the weights that served.
    if (averaged or not has_average) and _has(prefix, "statistics"):
        wanted["statistics"] = list(filter(is_statistic, variables))
    served = {
        part: {
            name: tf.Variable(tf.zeros_like(variables[name].value))
            for name in names
        }
        for part, names in wanted.items()
    }
    state = tf.train.Checkpoint(step=step, network=_values(variables), **served)
    status = state.restore(prefix)
    status.expect_partial().assert_existing_objects_matched()
    values = _values(variables) | served["average"] | served["statistics"]
    return {name: v.numpy() for name, v in values.items()}, int(step)


def averages_by_name(model, optimizer) -> dict:
    """The moving averages of the trainable variables by name, if kept."""
    averages = moving_averages(optimizer)
    if not averages:
        return {}
    return dict(zip(trained_names(model), averages, strict=True))


def _newest_readable(prefixes, read):
    """What `read` makes of the newest checkpoint that it can read."""
    for prefix in reversed(prefixes):
        try:
            return read(prefix)
        # The last two where variables are missing, or of another shape.
        except (tf.errors.OpError, AssertionError, ValueError) as error:
            failure = _unreadable(prefix, error)
            logging.warning("%s", failure)
    raise failure


def _numbered(optimizer, but=()):
    """The variables of an optimizer by their number, some left out."""
    return _values(
        {
            f"{number:05}": variable
            for number, variable in enumerate(optimizer.variables)
            if id(variable) not in but
        }
    )


def _has(prefix, part):
    """Whether a checkpoint has a part of a job."""
    stored = tf.train.list_variables(prefix)
    return any(name.startswith(f"{part}/") for name, _ in stored)


def _values(variables):
    return {
        name: getattr(variable, "value", variable)
        for name, variable in variables.items()
    }


def _unreadable(path, error):
    return InputError(
        f"model_dir: checkpoint {path} cannot be read ({first_line(error)}); "
        "give another model_dir to begin anew"
    )
