"""What follows the last round: finalists, a training job, the report."""

import pathlib
from collections.abc import Sequence

from nasnet_tf.data.given import GivenData
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.finalists.front import train_references, write_front
from nasnet_tf.search.finalists.jobs import finalist_config
from nasnet_tf.search.finalists.training import train_finalists
from nasnet_tf.search.finalists.training_job import save_training_job
from nasnet_tf.search.journal.found import training_command
from nasnet_tf.search.report.page import write_report


def finish(
    config: SearchConfig,
    model_dir,
    compare: Sequence = (),
    match: str = "filters",
    quiet: bool = False,
    data=None,
    class_names: Sequence[str] | None = None,
    workers: int = 1,
) -> list[pathlib.Path]:
    """Trains the finalists longer, if any, and writes what comes of a search.

    That is the configuration of a training job of the best cells, of a search
    for a front all cells on it and what NASNet's are worth, and the report.

    Args:
        config: of the search; `budget.finalists` and what belongs to it.
        model_dir: of a search that is complete.
        compare: genotypes to train beside the finalists.
        match: what they have in common with them; see `train_finalists`.
        quiet: print nothing.
        data: arrays, of a search on arrays; see `search`.
        class_names: of them.
        workers: trainings of finalists side by side; see `train_finalists`.

    Returns:
        The files written, in `model_dir`.

    Raises:
        InputError: a file cannot be written.
        JobError: a signal stopped the training of a finalist.
    """
    given = GivenData.of(data, class_names=class_names)
    if given:
        config = config.replace(data=given.configured(config.data))
    files = []
    if config.budget.finalists:
        files += train_finalists(
            config, model_dir, compare, match, quiet, data, class_names, workers
        )
    files += save_training_job(
        finalist_config(config), model_dir, data, class_names
    )
    if config.objective.front:
        files += write_front(model_dir)
        files.append(
            train_references(config, model_dir, quiet, data, class_names)
        )
    return [*files, write_report(model_dir)]


def tell_written(model_dir, files: Sequence) -> None:
    """Prints what a command wrote, and how to train what was found.

    Args:
        model_dir: of the search.
        files: that were written.
    """
    print("wrote", *files, sep="\n  ")
    print(f"train it: {training_command(model_dir)}")
