"""The classifier that is to be evaluated, and what it is evaluated on."""

import dataclasses
import pathlib

from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.data import open_evaluation
from nasnet_tf.data.reading import configured_reading
from nasnet_tf.data.split import Split, read_split
from nasnet_tf.evaluation.measures import PACKAGES
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.training.checkpoint import CONFIG_FILE, restore_network
from nasnet_tf.training.config import ExperimentConfig
from nasnet_tf.training.config_files import read_config
from nasnet_tf.training.network import build_network
from nasnet_tf.weights import load_weights
from nasnet_tf.zoo.classification import load_saved


@dataclasses.dataclass(frozen=True)
class Classifier:
    """A classifier with its configuration.

    Args:
        model: the network with its weights.
        config: whose `data` it is to be evaluated on.
        facts: plain values that say where it comes from.
        kept: what the job that trained it holds out; None where not known.
    """

    model: NASNet
    config: ExperimentConfig
    facts: dict
    kept: Split | None = None


def job_classifier(
    model_dir,
    config_files=(),
    override: str | None = None,
    averaged: bool = True,
) -> Classifier:
    """The newest checkpoint of a training job.

    Args:
        model_dir: of the job.
        config_files: go before the job's configuration, for other data; see
            `nasnet_tf.training.config_files.read_config`.
        override: goes before these.
        averaged: take the moving average of the weights where one was kept.

    Raises:
        InputError: the folder holds no checkpoint, or the configuration is
            bad.
    """
    check_packages("evaluate", PACKAGES)
    model, step = restore_network(model_dir, averaged)
    path = pathlib.Path(model_dir) / CONFIG_FILE
    config = read_config([path, *config_files], override)
    averaged = averaged and config.recipe.ema_momentum > 0
    facts = {
        "model": str(model_dir),
        "step": step,
        "weights": "averaged" if averaged else "raw",
    }
    return Classifier(model, config, facts, read_split(model_dir))


def file_classifier(
    path,
    config_files=(),
    override: str | None = None,
    split: str | None = None,
    averaged: bool = True,
) -> Classifier:
    """A saved classifier, or weights in the network of the configuration.

    Args:
        path: of a `.keras` file, which holds its network; or what
            `nasnet_tf.load_weights` reads, for the network of the
            configuration's `model`.
        config_files: name the data and, for weights, the network; see
            `nasnet_tf.training.config_files.read_config`.
        override: goes before these.
        split: of the data, whose classes a network for weights has.
        averaged: take the moving averages of a TF-slim checkpoint.

    Raises:
        InputError: the file, the data or the configuration is bad.
    """
    check_packages("evaluate", PACKAGES)
    if not config_files and not override:
        raise InputError(
            "config_file: missing; name the data, such as "
            "--config_file=digits or --params_override=data.source=digits"
        )
    config = read_config(config_files, override)
    if pathlib.Path(path).suffix == ".keras":
        remedy = "give its weights, and its network as model.preset"
        model = load_saved(path, "model", remedy)
    else:
        model = _with_weights(path, config, split, averaged)
    # A job's file lies beside what the job holds out.
    kept = read_split(pathlib.Path(path).parent)
    return Classifier(model, config, {"model": str(path)}, kept)


def _with_weights(path, config, split, averaged):
    if config.model.preset is None and config.model.genotype is None:
        raise InputError(
            f"model: {path} is no .keras file; name the network of these "
            "weights, such as --params_override=model.preset=nasnet_a_mobile"
        )
    source = open_evaluation(config.data, config.runtime.seed, split)
    of_training = {
        "auxiliary_head": False,
        "drop_path_keep_prob": 1.0,
        "rematerialize": False,
    }
    network = build_network(
        config.model.replace(**of_training),
        source.class_names,
        steps=1,
        image_reading=configured_reading(config.data),
    )
    slim_variables = "auto" if averaged else "plain"
    load_weights(network, path, slim_variables=slim_variables)
    return network
