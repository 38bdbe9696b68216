"""The backbone of a detector on data of one's own, and what it needs."""

import dataclasses
import pathlib

from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.cells.plan import make_plan
from nasnet_tf.checks.errors import InputError
from nasnet_tf.zoo.configured_network import (
    configured_arguments,
    saved_config,
)
from nasnet_tf.zoo.presets import get_preset

IMAGENET = "imagenet"
# Keras' weights are of this one and of the large network.
_IMAGENET_PRESET = "nasnet_a_mobile"
# Bytes that training takes for each channel of a cell's output at the image's
# resolution, and for a whole job: measured on the small network of the digits
# in batches of 2 and 16, with FPN; of others it is computed.
_BYTES, FIXED_BYTES = 200.0, 1.4e9


@dataclasses.dataclass(frozen=True)
class OwnNetwork:
    """A backbone.

    Args:
        values: of `task.model.backbone.nasnet` and `task.initial_weights`, by
            name.
        text: for people.
        bytes_per_pixel: of memory that training takes for each pixel of an
            image.
        pretrained: whether it begins with weights.
    """

    values: dict[str, object]
    text: str
    bytes_per_pixel: float
    pretrained: bool


def own_network(weights: str | None, nasnet, folder: pathlib.Path):
    """The backbone that weights are of, or that of the experiment.

    Args:
        weights: `"imagenet"`; the path of a `.keras` file of a NASNet or of
            a classifier's job; or None.
        nasnet: `task.model.backbone.nasnet` of the experiment.
        folder: where a genotype is saved that has no name here.

    Returns:
        An `OwnNetwork`.

    Raises:
        InputError: the weights are none of these.
    """
    prefix = "task.model.backbone.nasnet."
    if weights is None:
        return OwnNetwork(
            {},
            "the experiment's network, from nothing",
            _bytes_per_pixel(configured_arguments(nasnet)),
            pretrained=False,
        )
    if weights == IMAGENET:
        arguments = get_preset(_IMAGENET_PRESET).arguments
        unset = ("genotype", "num_cells", "penultimate_filters")
        values: dict[str, object] = {prefix + name: None for name in unset}
        values[f"{prefix}preset"] = _IMAGENET_PRESET
        text = f"{_IMAGENET_PRESET} of ImageNet"
    else:
        # A job's last network, as `nasnet_tf.load_weights` reads it.
        if pathlib.Path(weights).is_dir():
            weights = str(pathlib.Path(weights, "model.keras"))
        saved = saved_config(weights)
        if saved is None:
            raise InputError(
                f"weights: {weights} is neither imagenet nor a .keras file of "
                "a NASNet nor the model_dir of a classifier's job; give one of "
                "these, or other weights as task.initial_weights of an "
                "experiment"
            )
        arguments = saved
        values = {f"{prefix}preset": None}
        for name in (
            "num_cells",
            "penultimate_filters",
            "stem",
            "stem_multiplier",
            "skip_reduction_layer_input",
        ):
            values[prefix + name] = saved[name]
        genotype = get_genotype(saved["genotype"])
        path = folder / "genotype.json"
        genotype.save(path)
        values[f"{prefix}genotype"] = str(path.resolve())
        text = f"{genotype.name} of {weights}"
    # Of networks for CIFAR's images there is no coarser map.
    if arguments["stem"] == "cifar":
        values[f"{prefix}max_level"] = min(nasnet.max_level, 2)
    values[f"{prefix}freeze_batch_norm"] = None
    values["task.initial_weights"] = weights
    return OwnNetwork(values, text, _bytes_per_pixel(arguments), True)


def _bytes_per_pixel(arguments):
    genotype = get_genotype(arguments["genotype"])
    stem = arguments.get("stem") or "imagenet"
    plan = make_plan(
        genotype,
        arguments["num_cells"],
        genotype.filters(
            arguments["penultimate_filters"],
            multiple=4 if stem == "imagenet" else 1,
        ),
        stem=stem,
        stem_multiplier=arguments.get("stem_multiplier") or 1.0,
        skip_reduction_layer_input=bool(
            arguments.get("skip_reduction_layer_input")
        ),
    )
    return _BYTES * sum(
        state.channels / state.stride**2
        for cell in plan.cells
        for state in cell.outputs
    )
