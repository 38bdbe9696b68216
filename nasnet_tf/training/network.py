"""The network of a training job, with its first weights."""

import dataclasses
import pathlib

import keras
from absl import logging

from nasnet_tf.checks.errors import InputError, listed
from nasnet_tf.images.image_reading import ImageReading
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.networks.variables import is_weight, named_variables
from nasnet_tf.training.checkpoint import restore_network
from nasnet_tf.weights.imagenet import imagenet_file
from nasnet_tf.weights.loading import assign_source
from nasnet_tf.weights.source import OURS, WeightsSource, read_source
from nasnet_tf.zoo.configured_network import (
    SIZES,
    ModelConfig,
    network_arguments,
    saved_config,
)


def build_network(
    model: ModelConfig,
    class_names,
    steps: int,
    seed: int = 0,
    channels: int = 3,
    synchronized_batch_norm: bool = False,
    image_reading: ImageReading | None = None,
) -> NASNet:
    """The network as it is trained: it returns logits.

    Args:
        model: the `model` section of a configuration.
        class_names: of the data, in the order of the labels.
        steps: of the whole training, for drop path.
        seed: of drop path and dropout.
        channels: of the images.
        synchronized_batch_norm: see `NASNet`.
        image_reading: which part of the images it is evaluated on.

    Raises:
        InputError: an argument does not fit the others.
    """
    arguments = network_arguments(model)
    height, width, _ = arguments["input_shape"]
    # A network of any size, as saved, is trained at the usual one.
    size = SIZES[arguments.get("stem", "imagenet")]
    arguments["input_shape"] = (height or size, width or size, channels)
    return NASNet(
        **arguments
        | {
            "classes": len(class_names),
            "class_names": list(class_names),
            "classifier_activation": None,
            "auxiliary_head": model.auxiliary_head,
            "dropout_rate": model.dropout_rate,
            "drop_path_keep_prob": model.drop_path_keep_prob,
            "drop_path_total_steps": steps,
            "rematerialize": model.rematerialize,
            "synchronized_batch_norm": synchronized_batch_norm,
            "image_reading": image_reading,
            "seed": seed,
            "dtype": model.dtype,
        }
    )


def initialize(network: NASNet, model: ModelConfig, load: bool = True) -> str:
    """Gives the network its first weights and freezes what is to stay.

    Classifiers of other classes than the file's, by name where it names them,
    and those that the file lacks, stay fresh; of the same classes in another
    order they are put in order.

    Args:
        network: of `build_network`.
        model: `initial_weights` and `freeze` count.
        load: False where a checkpoint is restored after this.

    Returns:
        A line for the log that names the fresh layers; empty without weights.

    Raises:
        InputError: the weights cannot be read or are another network's.
    """
    told = ""
    if model.initial_weights and load:
        told = _load(network, model.initial_weights)
    if model.freeze == "backbone":
        if not model.initial_weights:
            raise InputError(
                "model.freeze: 'backbone' without model.initial_weights would "
                "keep random features; give the weights"
            )
        for layer in network.layers:
            layer.trainable = layer.name.startswith(("logits", "aux_"))
    return told


def _load(network, weights):
    """Loads all that fits through a network that has what the file has."""
    names = (saved_config(weights) or {}).get("class_names")
    if weights == "imagenet":
        weights = imagenet_file(network)
    if pathlib.Path(weights).is_dir():
        source = _job_source(weights)
    else:
        source = read_source(weights)
    config = network.get_config()
    same = source.classes == config["classes"]
    if same and names and config["class_names"]:
        same = sorted(names) == sorted(config["class_names"])
        if same and names != config["class_names"]:
            source = _reordered(source, names, config["class_names"])
    has_head = any("aux_logits" in name for name in source.tensors)
    donor = NASNet.from_config(
        config
        | {
            "include_top": same,
            "auxiliary_head": config["auxiliary_head"] and same and has_head,
            "frozen_layers": (),
        }
    )
    report = assign_source(donor, source)
    logging.info("Loaded %s", report)
    given = named_variables(donor)
    fresh = []
    for name, variable in named_variables(network).items():
        if name in given:
            variable.assign(given[name])
        elif name.endswith("kernel"):
            fresh.append(f"{name.rpartition('/')[0]} {tuple(variable.shape)}")
    told = f"initial weights: {report.tensors} tensors of {weights}"
    if not fresh:
        return f"{told}, its classifier included"
    classes = ""
    if source.classes != config["classes"]:
        classes = f"; the file has {source.classes} classes"
    elif not same:
        classes = f"; the file's classes are others: {listed(names)}"
    return f"{told}; new: {', '.join(fresh)}{classes}"


def _reordered(source, names, wanted):
    """A file's weights, its classifiers for classes in another order."""
    places = [names.index(name) for name in wanted]
    tensors = {
        name: tensor[..., places] if "logits/" in name else tensor
        for name, tensor in source.tensors.items()
    }
    return dataclasses.replace(source, tensors=tensors)


def _job_source(model_dir):
    """What the newest checkpoint of a job holds, averaged where it is."""
    job, step = restore_network(model_dir)
    tensors = {
        name: keras.ops.convert_to_numpy(variable)
        for name, variable in named_variables(job).items()
        if is_weight(name)
    }
    return WeightsSource(str(model_dir), f"job at step {step}", OURS, tensors)
