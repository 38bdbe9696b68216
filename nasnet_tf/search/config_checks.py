"""Checks of a search's configuration that the type of a field cannot say."""

import pathlib

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.files import FOLDER as CONFIGS
from nasnet_tf.configuration.files import first_difference, read_config
from nasnet_tf.configuration.values import typed_values
from nasnet_tf.data.config import check_data
from nasnet_tf.data.given import check_same_data
from nasnet_tf.search.config import SearchConfig
from nasnet_tf.search.journal.file_names import CONFIG_FILE
from nasnet_tf.search.objective import check_objective
from nasnet_tf.search.space.cell_space import CellSpace, make_cell_space
from nasnet_tf.search.strategies import check_strategy
from nasnet_tf.training.config_checks import check_recipe

FOLDER = CONFIGS / "search"

# What may differ when a search goes on: how long and where, and none of the
# numbers that the rounds so far came from.
_CHANGEABLE = (
    "runtime.",
    "data.data_dir",
    "budget.samples",
    "budget.race",
    "budget.finalist",
    "budget.compare",
)
_FIXED = ("runtime.seed",)


def read_search_config(files=(), override: str | None = None) -> SearchConfig:
    """Reads a configuration; see `configuration.files.read_config`.

    Args:
        files: YAML files or names of those in `configs/search`.
        override: such as `"budget.samples=100"`.

    Raises:
        InputError: see there.
    """
    return read_config(SearchConfig(), files, override, FOLDER)


def make_space(config: SearchConfig) -> CellSpace:
    """The space that a configuration names.

    Raises:
        InputError: it has nothing to choose from, or an unknown operation.
    """
    space = config.space
    try:
        return make_cell_space(
            space.name, space.operations, space.num_blocks, space.combiners
        )
    except InputError as error:
        raise InputError(f"space.{error}") from None


def check_search_config(config: SearchConfig) -> None:
    """Checks a configuration before anything is built.

    Raises:
        InputError: a value is missing, unknown, or contradicts another; one
            line that names the fields and the remedy.
    """
    typed_values(config.as_dict(), config)
    make_space(config)
    check_objective(config.objective)
    check_data(config.data, config.child.input_size)
    check_recipe(config.recipe)
    for name in ("classifier_epochs", "patience"):
        if value := getattr(config.recipe, name):
            raise InputError(
                f"recipe.{name}: {value} in a search, whose children begin "
                "with random weights and are trained equally long; leave it out"
            )
    check_strategy(config.strategy)
    for name in config.budget.compare or ():
        try:
            get_genotype(name)
        except InputError as error:
            raise InputError(f"budget.compare: {error}") from None
    child, budget = config.child, config.budget
    if config.objective.front and config.objective.cost == child.match:
        raise InputError(
            f"objective.cost: {child.match!r} with objective.front, and "
            f"child.match gives all children the same; take another cost, or "
            "child.match=none"
        )
    if budget.race > budget.samples:
        raise InputError(
            f"budget.race: {budget.race} trainings of children again, and "
            f"budget.samples are {budget.samples}; give no more than these"
        )
    if budget.race and child.method == "shared":
        raise InputError(
            f"budget.race: {budget.race} with child.method 'shared', whose "
            "children go on with weights that know them; take another method, "
            "or race=0"
        )
    if child.match != "none" and child.method == "shared":
        raise InputError(
            f"child.match: {child.match!r} with child.method 'shared', whose "
            "children share weights of one F; take another method or match"
        )
    if budget.samples % budget.round_size:
        nearest = max(1, round(budget.samples / budget.round_size))
        raise InputError(
            f"budget.samples: {budget.samples} is not a multiple of "
            f"budget.round_size {budget.round_size}; give "
            f"{nearest * budget.round_size}"
        )


def check_same_search(model_dir, config: SearchConfig) -> None:
    """Refuses a folder that holds a search of another configuration.

    `runtime` may differ but for the seed, and so may `data.data_dir`,
    `budget.samples`, `budget.race` and what concerns the finalists.

    Raises:
        InputError: it differs; names the first difference.
    """
    saved = pathlib.Path(model_dir) / CONFIG_FILE
    if not saved.is_file():
        return
    before = read_search_config([saved])
    check_same_data(before.data, config.data, model_dir)
    difference = first_difference(before, config, _CHANGEABLE, _FIXED)
    if difference:
        raise InputError(
            f"model_dir: {model_dir} holds a search of another configuration: "
            f"{difference}; give another model_dir or the same configuration"
        )
