"""A training job of what a search found."""

import pathlib
from collections.abc import Sequence

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.configuration.files import save_config
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.finalists.jobs import (
    evaluation_split,
    images_of,
    job_config,
)
from nasnet_tf.search.journal.file_names import TRAINING_FILE
from nasnet_tf.search.journal.found import found_file
from nasnet_tf.search.sizes import matched_child
from nasnet_tf.zoo.configured_network import ModelConfig

# The paper widens what it found; children are as small as can be.
_WIDER, _EPOCHS = 2, 20


def save_training_job(
    config: SearchConfig,
    model_dir,
    data=None,
    class_names: Sequence[str] | None = None,
) -> list[pathlib.Path]:
    """Writes the configuration of a training job of the cells that were found.

    It is on the search's data, with no images held out where there is an
    evaluation split, and of the children's N and recipe, but with twice their F
    and for `budget.finalist_epochs`, else the recipe's epochs, else 20.

    Args:
        config: of the search.
        model_dir: of the search.
        data: arrays, of a search on arrays.
        class_names: of them.

    Returns:
        The file; none where nothing was found.

    Raises:
        InputError: the file cannot be written.
    """
    file = found_file(model_dir)
    if not file.is_file():
        return []
    # Absolute, for the job is begun from wherever its user is.
    seed, path = config.runtime.seed, file.resolve()
    genotype, child = Genotype.load(path), config.child
    job = job_config(config, path, genotype, seed)
    if config.child.match != "none":
        images = images_of(config, data, class_names)
        child = matched_child(genotype, config.child, *images)
    job.model.penultimate_filters = (
        _WIDER * child.filters * genotype.filters_divisor
    )
    # As any job: it is used, and not compared with children.
    job.model.recalibrate_batch_norm = ModelConfig().recalibrate_batch_norm
    if evaluation_split(job):
        job.data.held_out = 0
    job.recipe.epochs, job.recipe.steps = job.recipe.epochs or _EPOCHS, None
    path = pathlib.Path(model_dir) / TRAINING_FILE
    save_config(job, path)
    return [path]
