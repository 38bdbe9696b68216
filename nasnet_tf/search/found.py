"""How what a search found is trained."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shlex
from typing import TYPE_CHECKING

from nasnet_tf.genotype import Genotype
from nasnet_tf.search.file_names import (
    BEST_FILE,
    FINALISTS_FILE,
    FINALISTS_FOLDER,
    TRAINING_FILE,
)
from nasnet_tf.search.records import best_records, read_journal

if TYPE_CHECKING:  # It imports Model Garden.
    from nasnet_tf.search.config import SearchConfig

# The paper widens what it found; children are as small as can be.
_WIDER, _EPOCHS = 2, 20


def found_file(model_dir) -> pathlib.Path:
    """The genotype file of the best finalist, or else of the best child.

    The latter too where the search went on after its finalists, and found a
    child with more reward than these had.

    Args:
        model_dir: of a search; the file need not be there yet.
    """
    folder = pathlib.Path(model_dir)
    finalist = folder / FINALISTS_FOLDER / "1.json"
    if not finalist.is_file() or _overtaken(folder):
        return folder / BEST_FILE
    return finalist


def _overtaken(folder):
    with contextlib.suppress(OSError, ValueError, KeyError):
        text = (folder / FINALISTS_FILE).read_text(encoding="utf-8")
        rewards = [e["search_reward"] for e in json.loads(text)["finalists"]]
        best = best_records(read_journal(folder), 1)
        return bool(best) and best[0].reward > max(rewards)
    return False


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
    from nasnet_tf.search.finalist_jobs import evaluation_split, job_config
    from nasnet_tf.training.config import ModelConfig
    from nasnet_tf.training.config_files import save_config

    file = found_file(model_dir)
    if not file.is_file():
        return []
    seed, path = config.runtime.seed, file.resolve()
    job = job_config(config, path, Genotype.load(path), seed)
    job.model.penultimate_filters *= _WIDER
    job.model.recalibrate_batch_norm = ModelConfig().recalibrate_batch_norm
    if evaluation_split(job):
        job.data.held_out = 0
    job.recipe.epochs, job.recipe.steps = job.recipe.epochs or _EPOCHS, None
    path = pathlib.Path(model_dir) / TRAINING_FILE
    save_config(job, path)
    return [path]


def training_command(model_dir) -> str:
    """The command that trains what `save_training_job` wrote.

    Args:
        model_dir: of the search.
    """
    file = (pathlib.Path(model_dir) / TRAINING_FILE).as_posix()
    return (
        f"python -m nasnet_tf.train --config_file={shlex.quote(file)} "
        "--model_dir=runs/found"
    )
