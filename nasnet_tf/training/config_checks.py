"""Checks of a configuration: its names, types, limits and contradictions."""

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.checks.errors import InputError
from nasnet_tf.configuration.values import typed_values
from nasnet_tf.data.config import check_data
from nasnet_tf.training.config import ExperimentConfig, RecipeConfig
from nasnet_tf.zoo.configured_network import network_arguments, saved_arguments
from nasnet_tf.zoo.presets import get_preset


def check_config(config: ExperimentConfig) -> None:
    """Checks what the type of one field alone cannot say.

    Raises:
        InputError: a value is missing, unknown, or contradicts another; one
            line that names the fields and the remedy.
    """
    # A configuration made in Python has passed no file's reader.
    typed_values(config.as_dict(), config)
    _check_model(config.model)
    size = network_arguments(config.model)["input_shape"][0]
    check_data(config.data, size)
    check_recipe(config.recipe)


def _check_model(model):
    if model.preset is not None:
        _renamed(get_preset, model.preset)
    elif model.genotype is None and not saved_arguments(model.initial_weights):
        raise InputError(
            "model.preset: null, and so is model.genotype, and "
            f"model.initial_weights {model.initial_weights!r} is no .keras "
            "file of a NASNet and no job's folder that is there; give one of "
            "the three"
        )
    if model.genotype is not None:
        _renamed(get_genotype, model.genotype)
    if model.freeze == "backbone" and model.initial_weights is None:
        raise InputError(
            "model.freeze: 'backbone' without model.initial_weights would "
            "train on random features; give the weights, or set "
            "model.freeze=nothing"
        )


def _renamed(read, value):
    try:
        read(value)
    except InputError as error:
        raise InputError(f"model.{error}") from None


def check_recipe(recipe: RecipeConfig) -> None:
    """Checks a `recipe` section.

    Raises:
        InputError: a value is missing or contradicts another.
    """
    if recipe.epochs is None and recipe.steps is None:
        raise InputError(
            "recipe.epochs: None, and so is recipe.steps; give one of them"
        )
    if recipe.epochs is not None and recipe.steps is not None:
        raise InputError(
            f"recipe.epochs: {recipe.epochs} beside recipe.steps "
            f"{recipe.steps}; set one of them to null"
        )
    if recipe.epochs is not None and recipe.warmup_epochs >= recipe.epochs:
        raise InputError(
            f"recipe.warmup_epochs: {recipe.warmup_epochs} of recipe.epochs "
            f"{recipe.epochs} leaves none at the full learning rate; give "
            "fewer"
        )


def check_warmup(
    recipe: RecipeConfig, steps: int, steps_per_epoch: float
) -> None:
    """Checks that a rate that rises reaches its height.

    Args:
        recipe: `warmup_epochs` counts.
        steps: of the training.
        steps_per_epoch: a fraction where the images do not fill the batches.

    Raises:
        InputError: all steps are warm-up.
    """
    warmup = recipe.warmup_epochs * steps_per_epoch
    if warmup >= steps:
        raise InputError(
            f"recipe.warmup_epochs: {recipe.warmup_epochs:g} are "
            f"{warmup:,.0f} of {steps:,} steps and leave none at the full "
            "learning rate; give fewer"
        )
