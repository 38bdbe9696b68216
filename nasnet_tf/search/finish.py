"""What follows the last round: the finalists and the report."""

from __future__ import annotations

import pathlib

from nasnet_tf.search.config import SearchConfig


def finish(
    config: SearchConfig, model_dir, quiet: bool = False
) -> list[pathlib.Path]:
    """Trains the finalists longer, if any, and writes the report.

    Args:
        config: of the search; `budget.finalists` and what belongs to it.
        model_dir: of a search that is complete.
        quiet: print nothing.

    Returns:
        The files written, in `model_dir`.

    Raises:
        InputError: a file cannot be written.
        JobError: a signal stopped the training of a finalist.
    """
    from nasnet_tf.search.finalists import train_finalists
    from nasnet_tf.search.report import write_report

    files = []
    if config.budget.finalists:
        files += train_finalists(config, model_dir, quiet=quiet)
    return [*files, write_report(model_dir)]
