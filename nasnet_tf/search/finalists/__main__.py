r"""Trains the best architectures of a search longer, and ranks them anew.

python -m nasnet_tf.search.finalists --model_dir=runs/search --finalists=5 \
    --epochs=40 --seeds=3 --compare=NASNET_A --workers=2

What comes out are genotype files, `finalists/1.json` the best, which the zoo,
the training jobs, the detector and the exporter take by name.
"""

from absl import flags

from nasnet_tf.checks.arguments import (
    check_integer,
    check_number,
    expanded_path,
)
from nasnet_tf.checks.errors import InputError
from nasnet_tf.search.finalists import MATCHES
from nasnet_tf.search.journal.file_names import CONFIG_FILE
from nasnet_tf.terminal import command_line


@command_line.quiet
def main(arguments):
    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    if values.model_dir is None:
        raise InputError("model_dir: missing; give that of a search")
    from nasnet_tf.search.config_checks import (
        check_search_config,
        read_search_config,
    )
    from nasnet_tf.search.finalists.finish import finish, tell_written
    from nasnet_tf.search.workers.supervisor import check_workers

    folder = expanded_path("model_dir", values.model_dir)
    if not (folder / CONFIG_FILE).is_file():
        raise InputError(
            f"model_dir: {folder} has no {CONFIG_FILE}; give that of a search"
        )
    config = read_search_config([folder / CONFIG_FILE])
    budget = config.budget
    budget.finalists = budget.finalists or 1
    if values.finalists is not None:
        budget.finalists = values.finalists
    if values.seeds is not None:
        budget.finalist_seeds = values.seeds
    if values.epochs is not None:
        check_number("epochs", values.epochs, "(0, 1000000]")
        budget.finalist_epochs = values.epochs
    if values.num_cells is not None:
        budget.finalist_num_cells = values.num_cells
    if values.filters is not None:
        budget.finalist_filters = values.filters
    check_integer("finalists", budget.finalists)
    if values.workers != 1:
        check_workers(values.workers)
    check_search_config(config)
    files = finish(
        config,
        folder,
        values.compare or budget.compare or (),
        values.match,
        workers=values.workers,
    )
    tell_written(folder, files)


def define_flags():
    flags.DEFINE_string("model_dir", None, "Of the search.")
    flags.DEFINE_integer(
        "finalists", None, "How many; else the budget's, or 1."
    )
    flags.DEFINE_float("epochs", None, "Of each; else the budget's.")
    flags.DEFINE_integer("seeds", None, "Of each; else the budget's.")
    flags.DEFINE_integer(
        "workers",
        1,
        "So many trainings side by side, each in a process of its own on this "
        "machine.",
    )
    flags.DEFINE_multi_string(
        "compare",
        [],
        "Genotype to train beside them; repeatable; else the budget's.",
    )
    flags.DEFINE_integer("num_cells", None, "N of all; else the children's.")
    flags.DEFINE_integer("filters", None, "F of all; else the children's.")
    flags.DEFINE_enum(
        "match",
        "filters",
        MATCHES,
        "What --compare's networks have in common with the finalists: F, or "
        "the parameters of the best of them.",
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
