"""What a configuration can say of a network, and the network of it."""

import contextlib
import dataclasses
import json
import pathlib
import zipfile

from nasnet_tf.configuration.sections import Section, field
from nasnet_tf.zoo.presets import get_preset


@dataclasses.dataclass
class ModelConfig(Section):
    """The network: a preset or a genotype, and what differs from it.

    None stands for the preset's value, or for `NASNet`'s own without one.
    Without preset and genotype the network is that of `initial_weights`.

    Args:
        preset: a name of `nasnet_tf.list_presets()`.
        genotype: in place of the preset's; see `NASNet`.
        num_cells: see `NASNet`, and so for all that is not listed here.
        input_size: height and width in pixels.
        preprocessing: `"scale"` or `"whitening"`.
        drop_path_keep_prob: keep probability of ScheduledDropPath in the last
            cell; it sets in over all steps of the recipe.
        dtype: the policy of the layers.
        recalibrate_batch_norm: whether batch-norm statistics are measured anew
            over training images before each evaluation and checkpoint:
            `"auto"` does where training was short for the momentum, so that
            the moving ones lag behind the weights; else `"always"` or
            `"never"`. Training itself is the same.
        initial_weights: `"imagenet"`, a path that `nasnet_tf.load_weights`
            reads, or the model_dir of another job; a classifier of another
            number of classes is left fresh.
        freeze: `"backbone"` trains the classifier alone.
    """

    preset: str | None = None
    genotype: str | None = None
    num_cells: int | None = field(None, least=1)
    penultimate_filters: int | None = field(None, least=1)
    stem: str | None = field(None, choices=("imagenet", "cifar"))
    stem_multiplier: float | None = None
    skip_reduction_layer_input: bool | None = None
    # The least that `NASNet` reads.
    input_size: int | None = field(None, least=32)
    preprocessing: str | None = field(None, choices=("scale", "whitening"))
    padding: str = field("same", choices=("same", "keras"))
    auxiliary_head: bool = False
    dropout_rate: float = field(0.0, interval="[0, 1)")
    drop_path_keep_prob: float = field(1.0, interval="(0, 1]")
    batch_norm_momentum: float | None = field(None, interval="[0, 1]")
    batch_norm_epsilon: float | None = field(None, interval="(0, 1]")
    recalibrate_batch_norm: str = field(
        "auto", choices=("auto", "always", "never")
    )
    rematerialize: bool = False
    dtype: str = field(
        "float32",
        choices=("float32", "mixed_bfloat16", "mixed_float16", "float64"),
    )
    initial_weights: str | None = None
    freeze: str = field("nothing", choices=("nothing", "backbone"))


# Of configurations, None: as in the preset.
_OPTIONAL = (
    "genotype",
    "num_cells",
    "penultimate_filters",
    "stem",
    "stem_multiplier",
    "skip_reduction_layer_input",
    "preprocessing",
    "batch_norm_momentum",
    "batch_norm_epsilon",
)
# Of the mobile networks, and of CIFAR's images.
SIZES = {"imagenet": 224, "cifar": 32}


def network_arguments(model: ModelConfig) -> dict:
    """Keyword arguments of `NASNet` for the cells, size and preprocessing.

    They are the preset's; without one and without a genotype those of the
    network that `initial_weights` holds, if that is a `.keras` file or a job.

    Args:
        model: the `model` section of a configuration.
    """
    arguments = configured_arguments(model)
    if not model.preset and model.genotype is None:
        saved = saved_arguments(model.initial_weights) or {}
        arguments = saved | arguments
    stem = arguments.get("stem", "imagenet")
    if model.input_size is not None or "input_shape" not in arguments:
        size = model.input_size or SIZES[stem]
        arguments["input_shape"] = (size, size, 3)
    if "preprocessing" not in arguments:
        whitened = stem == "cifar"
        arguments["preprocessing"] = "whitening" if whitened else "scale"
    arguments["padding"] = model.padding
    arguments["name"] = "nasnet"
    return arguments


def configured_arguments(config) -> dict:
    """Keyword arguments of `NASNet` that a configuration names.

    Args:
        config: with a `preset`, or None; its other values go before the
            preset's where they are not None.

    Raises:
        InputError: no preset has this name.
    """
    arguments = get_preset(config.preset).arguments if config.preset else {}
    # A detector's configuration lacks some.
    given = {name: getattr(config, name, None) for name in _OPTIONAL}
    return arguments | {k: v for k, v in given.items() if v is not None}


def saved_arguments(weights: str | None) -> dict | None:
    """Those of `network_arguments` that a file or folder of weights knows.

    Args:
        weights: the path of a `.keras` file of a `NASNet` or of a job's
            model_dir; for anything else the result is None.
    """
    config = saved_config(weights)
    return config and {
        name: config[name]
        for name in (*_OPTIONAL, "input_shape")
        if name != "batch_norm_momentum"
    }


def saved_config(weights):
    """`NASNet.get_config()` of a `.keras` file or a job; else None."""
    path = pathlib.Path(weights or "")
    unreadable = (OSError, KeyError, ValueError, zipfile.BadZipFile)
    with contextlib.suppress(*unreadable):
        if path.is_dir():
            return json.loads((path / "network.json").read_text())
        with zipfile.ZipFile(path) as archive:
            saved = json.loads(archive.read("config.json"))
        if saved["registered_name"] == "nasnet_tf>NASNet":
            return saved["config"]
    return None
