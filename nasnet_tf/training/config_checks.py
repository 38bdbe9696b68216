"""Checks of a configuration: its names, types, limits and contradictions."""

import collections.abc
import dataclasses
import difflib
import math
import types
import typing

from official.modeling import hyperparams

from nasnet_tf.arguments import (
    check_choice,
    check_flag,
    check_integer,
    check_number,
)
from nasnet_tf.errors import InputError
from nasnet_tf.genotypes import get_genotype
from nasnet_tf.presets import get_preset
from nasnet_tf.training.config import (
    DataConfig,
    ExperimentConfig,
    RecipeConfig,
)
from nasnet_tf.training.network import network_arguments, saved_arguments


def typed_values(
    values: dict, config: hyperparams.Config, where: str = ""
) -> dict:
    """Holds values to the names, types and limits of a configuration.

    Whole numbers and texts like `"1e-3"`, which YAML does not read as a
    number, become the floats that they stand for; `"None"` becomes None.

    Args:
        values: such as `{"recipe": {"steps": 3}}`.
        config: which the values are for; it is not changed.
        where: the values came from, for the message.

    Returns:
        The values, each with the type that its field declares.

    Raises:
        InputError: a name is unknown (says the nearest), or a value has
            another type or is beyond its limits.
    """
    where = f"{where}: " if where else ""
    return _typed_section(values, config, config, where, "")


def flatten(values: dict, prefix: str = "") -> dict:
    """`{"recipe.steps": 3}` of `{"recipe": {"steps": 3}}`."""
    flat = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def check_config(config: ExperimentConfig) -> None:
    """Checks what the type of one field alone cannot say.

    Raises:
        InputError: a value is missing, unknown, or contradicts another; one
            line that names the fields and the remedy.
    """
    typed_values(config.as_dict(), config)
    _check_model(config.model)
    size = network_arguments(config.model)["input_shape"][0]
    check_data(config.data, size)
    check_recipe(config.recipe)


def _typed_section(values, section, root, where, prefix):
    fields = {field.name: field for field in dataclasses.fields(section)}
    typed = {}
    for key, value in values.items():
        if key not in fields:
            raise _unknown(key, list(fields), root, where, prefix)
        name = f"{prefix}{key}"
        inner = getattr(section, key)
        if not isinstance(inner, hyperparams.Config):
            typed[key] = _typed(value, fields[key], f"{where}{name}")
        elif value is None:
            # A section of a file whose lines are all commented out.
            typed[key] = {}
        elif isinstance(value, dict):
            typed[key] = _typed_section(value, inner, root, where, f"{name}.")
        else:
            first = dataclasses.fields(inner)[0].name
            raise InputError(
                f"{where}{name}: {value!r} is not a section; name a field of "
                f"it, such as {name}.{first}"
            )
    return typed


def _typed(value, field, what):
    kinds = _kinds(field.type)
    limits = field.metadata
    sections = [kind for kind in kinds if issubclass(kind, hyperparams.Config)]
    if sections and isinstance(value, dict):
        return value  # of a section that is None; Model Garden checks it
    if type(None) in kinds and (value is None or value == "None"):
        return None
    if list in kinds and (isinstance(value, (list, tuple)) or str not in kinds):
        return _list(value, what)
    if bool in kinds:
        check_flag(what, value)
    elif int in kinds and float not in kinds:
        check_integer(what, value, limits.get("least", -math.inf))
        if value > limits.get("most", math.inf):
            raise InputError(
                f"{what}: {value} is above {limits['most']}; give a smaller one"
            )
    elif float in kinds and str not in kinds:
        value = _as_float(value)
        check_number(what, value, limits.get("interval", "(-inf, inf)"))
    elif "choices" in limits:
        check_choice(what, value, limits["choices"])
    elif kinds <= {str, type(None)} and not isinstance(value, str):
        raise InputError(
            f"{what}: {value!r} is not a text; put it in quotes if it is one"
        )
    return value


def _kinds(annotation):
    """The plain types of a field's type: `{str, list}` of a path or paths."""
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return {
            kind
            for part in typing.get_args(annotation)
            for kind in _kinds(part)
        }
    if origin in (list, tuple, collections.abc.Sequence):
        return {list}
    return {annotation}


def _list(value, what):
    if isinstance(value, (list, tuple)):
        return list(value)
    raise InputError(f"{what}: {value!r} is not a list; write [{value!r}]")


def _as_float(value):
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return value
    try:
        return float(value)
    except ValueError:
        return value
    except OverflowError:
        return math.inf


def _unknown(key, siblings, root, where, prefix):
    everywhere = {
        name.rpartition(".")[2]: name for name in flatten(root.as_dict())
    }
    siblings = {name: f"{prefix}{name}" for name in siblings}
    near = _nearest(str(key), siblings, everywhere)
    hint = f"did you mean {near!r}? " if near else ""
    shown = str(key) if str(key).isprintable() else repr(key)
    of = f" of {prefix[:-1]}" if prefix else ""
    return InputError(
        f"{where}{prefix}{shown} is unknown; {hint}choose one{of}: "
        f"{', '.join(siblings)}"
    )


def _nearest(key, siblings, everywhere):
    """The right name in the wrong section goes before a similar name."""
    for names, cutoff in ((everywhere, 1), (siblings, 0.6), (everywhere, 0.6)):
        near = difflib.get_close_matches(key, names, n=1, cutoff=cutoff)
        if near:
            return names[near[0]]
    return None


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


def check_data(data: DataConfig, size: int) -> None:
    """Checks a `data` section for images of `size` pixels a side.

    Raises:
        InputError: a value is missing or contradicts another.
    """
    if data.source == "tfds" and not data.name:
        raise InputError(
            f"data.name: {data.name!r} with data.source 'tfds'; give the name "
            "of a TFDS set, such as cifar10"
        )
    if data.source == "folder" and not data.data_dir:
        raise InputError(
            f"data.data_dir: {data.data_dir!r} with data.source 'folder'; "
            "give the folder that holds <split>/<class>/<image>"
        )
    # Else it would train on other images than the name says.
    if data.source != "tfds" and data.name is not None:
        raise InputError(
            f"data.name: {data.name!r} with data.source {data.source!r}, "
            "which has none; set data.source=tfds, or data.name=null"
        )
    for key in ("cutout", "upsample"):
        value = getattr(data, key)
        if value and data.augmentation != "cifar":
            raise InputError(
                f"data.{key}: {value} with data.augmentation "
                f"{data.augmentation!r}, which has none; set "
                f"data.augmentation=cifar, or data.{key}={type(value)()}"
            )
    if data.cutout > size:
        raise InputError(
            f"data.cutout: {data.cutout} is more than the {size} pixels of "
            "the images; give a smaller side"
        )


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
