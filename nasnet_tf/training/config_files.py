"""The configuration of a training job, read and compared."""

from nasnet_tf.configuration import files as configuration_files
from nasnet_tf.training.config import ExperimentConfig

# What a resumed job may change: where it runs, and none of its numbers. Not
# `data.cache_mib`: a set in memory has another order than a stream.
CHANGEABLE = ("runtime.", "data.data_dir", "model.rematerialize")
FIXED = ("runtime.seed", "runtime.synchronized_batch_norm")


def read_config(
    files=(),
    override: str | None = None,
    base: ExperimentConfig | None = None,
) -> ExperimentConfig:
    """Reads a configuration; see `nasnet_tf.configuration.files.read_config`.

    Args:
        files: YAML files or names of those in `configs/`.
        override: such as `"recipe.steps=3"`.
        base: what to start from in place of the defaults; not changed.

    Raises:
        InputError: see there.
    """
    if base is None:
        base = ExperimentConfig()
    return configuration_files.read_config(base, files, override)


def first_difference(
    saved: ExperimentConfig, now: ExperimentConfig
) -> str | None:
    """Says why a job cannot go on from the checkpoint of another.

    `runtime` may differ but for the seed and synchronised batch norm, and so
    may `data.data_dir` and `model.rematerialize`.

    Args:
        saved: of the job that is there.
        now: of the job that is to go on.

    Returns:
        The first field that differs and both its values, or None.
    """
    return configuration_files.first_difference(saved, now, CHANGEABLE, FIXED)
