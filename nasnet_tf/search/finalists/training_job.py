"""A training job of what a search found."""

import json
import pathlib

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.configuration.files import save_config
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.finalists.jobs import evaluation_split, job_config
from nasnet_tf.search.journal.beliefs import read_beliefs, recommended
from nasnet_tf.search.journal.file_names import (
    BEST_FILE,
    FINALISTS_FILE,
    TRAINING_FILE,
)
from nasnet_tf.search.journal.found import found_file
from nasnet_tf.search.journal.records import read_journal
from nasnet_tf.zoo.configured_network import ModelConfig

# The paper widens what it found; children are as small as can be.
_WIDER, _EPOCHS = 2, 20


def save_training_job(config: SearchConfig, model_dir) -> list[pathlib.Path]:
    """Writes the configuration of a training job of the cells that were found.

    It is on the search's data, with no images held out where there is an
    evaluation split, and of the children's N and recipe, but with twice their F
    and for `budget.finalist_epochs`, else the recipe's epochs, else 20.

    Args:
        config: of the search.
        model_dir: of the search.

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
    genotype = Genotype.load(path)
    job = job_config(config, path, genotype, seed)
    filters = _WIDER * _filters(config, model_dir, file)
    job.model.penultimate_filters = filters * genotype.filters_divisor
    # As any job: it is used, and not compared with children.
    job.model.recalibrate_batch_norm = ModelConfig().recalibrate_batch_norm
    if evaluation_split(job):
        job.data.held_out = 0
    job.recipe.epochs, job.recipe.steps = job.recipe.epochs or _EPOCHS, None
    path = pathlib.Path(model_dir) / TRAINING_FILE
    save_config(job, path)
    return [path]


def _filters(config, model_dir, file):
    """F of what was found, as it was judged."""
    if config.child.match == "none":
        return config.child.filters
    folder = pathlib.Path(model_dir)
    if file.name == BEST_FILE:
        beliefs = read_beliefs(folder)
        (best,) = recommended(read_journal(folder), beliefs, 1)
        return best.filters
    text = (folder / FINALISTS_FILE).read_text(encoding="utf-8")
    return json.loads(text)["finalists"][0]["filters"]
