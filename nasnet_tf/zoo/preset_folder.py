"""Networks that `save_to_preset` wrote, here or on the Hugging Face hub."""

import pathlib
import re

from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.networks.saved_folder import (
    CARD,
    CONFIG,
    WEIGHTS,
    read_config,
)
from nasnet_tf.networks.variables import named_variables
from nasnet_tf.weights import load_weights

HUB = "hf://"


def is_folder(preset) -> bool:
    """Whether a preset is a folder's path or the hub's, and no name."""
    if isinstance(preset, pathlib.PurePath):
        return True
    return isinstance(preset, str) and (
        "/" in preset or "\\" in preset or pathlib.Path(preset).is_dir()
    )


def from_folder(preset, weights=None, **arguments) -> NASNet:
    """The network of a folder, with its weights.

    Args:
        preset: the folder, or `"hf://user/name"`.
        weights: in place of the folder's; see `nasnet_tf.load_weights`.
        **arguments: of `NASNet`, in place of the folder's. With other
            `classes` the classifier is fresh.

    Raises:
        InputError: no such folder, or it is damaged.
    """
    folder = _fetched(preset)
    if not folder.is_dir():
        raise InputError(
            f"preset: {preset} is no folder; give a name of list_presets(), a "
            "folder that save_to_preset wrote, or hf://user/name"
        )
    config = read_config(folder)
    own_classes, classes = config["classes"], arguments.get("classes")
    fresh = weights is None and classes not in (None, own_classes)
    if classes not in (None, own_classes):
        # They name the classes of before.
        config = config | {"class_names": None}
    model = NASNet.from_config(config | arguments)
    if not fresh:
        load_weights(model, folder / WEIGHTS if weights is None else weights)
        return model
    settings = model.get_config()
    features = NASNet.from_config(
        settings
        | {"include_top": False, "auxiliary_head": False, "class_names": None}
    )
    load_weights(features, folder / WEIGHTS)
    given = named_variables(features)
    for name, variable in named_variables(model).items():
        if name in given:
            variable.assign(given[name])
    return model


def _fetched(preset):
    """The folder on this machine."""
    if not str(preset).startswith(HUB):
        return pathlib.Path(preset).expanduser()
    name = str(preset).removeprefix(HUB)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise InputError(
            f"preset: {preset!r} is not of the form hf://user/name"
        )
    check_packages(
        f"preset: {preset}", {"huggingface_hub": "huggingface_hub"}, "hub"
    )
    # An extra.
    import huggingface_hub

    try:
        folder = huggingface_hub.snapshot_download(
            repo_id=name, allow_patterns=[CONFIG, WEIGHTS, CARD]
        )
    # Its errors share no class with those of the network below it.
    except Exception as error:
        raise InputError(
            f"preset: {preset} cannot be fetched ({first_line(error)}); see "
            "that its name and the network are right"
        ) from error
    return pathlib.Path(folder)
