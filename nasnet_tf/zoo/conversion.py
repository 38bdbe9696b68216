"""Weights of any format that can be read, as a `.keras` file."""

import json
import pathlib
import re
import zipfile

import keras

from nasnet_tf.cells.genotypes import NASNET_A, get_genotype
from nasnet_tf.checks.errors import InputError
from nasnet_tf.files.output_file import check_output, written_beside
from nasnet_tf.networks.nasnet import NASNet
from nasnet_tf.weights.loading import (
    WeightsReport,
    assign_source,
    load_weights,
)
from nasnet_tf.weights.source import (
    KERAS,
    OURS,
    SLIM,
    TIMM,
    WeightsSource,
    read_source,
)
from nasnet_tf.zoo.presets import PRESETS, from_preset, get_preset

# For each naming: the stems' convolutions, and the convolution that brings a
# normal cell's input to F channels.
_TRAITS: dict[str, tuple] = {
    OURS: ("conv0/kernel", "stem/kernel", r"cell_\d+/input_0/conv_1/kernel"),
    KERAS: ("stem_conv1/kernel", None, r"normal_conv_1_\d+/kernel"),
    SLIM: ("conv0/weights", "l1_stem_3x3/weights", r"cell_\d+/1x1/weights"),
    TIMM: ("conv0.conv.weight", None, r"cell_\d+\.conv_1x1\.conv\.weight"),
}


def convert(
    source,
    target,
    preset: str | None = None,
    classes: int | None = None,
    slim_variables: str = "auto",
    overwrite: bool = False,
) -> WeightsReport:
    """Writes a `.keras` file of the network that a file of weights is of.

    Args:
        source: what `nasnet_tf.load_weights` reads.
        target: path of the file to write, ending in `.keras`.
        preset: the network. By default it is what the file says, or the
            preset with the stem, F and number of cells of the file's tensors.
        classes: of the classifier; by default the file's, or 1000 of 1001. A
            file without the classifier gives a network without it.
        slim_variables: see `nasnet_tf.load_weights`.
        overwrite: whether to replace an existing target.

    Returns:
        What was read; the auxiliary head of a checkpoint is left out.

    Raises:
        InputError: bad input; nothing is written.
    """
    target = pathlib.Path(target)
    _check_target(target, overwrite)
    if preset is not None:
        get_preset(preset)
    if source == "imagenet":
        if preset is None:
            raise InputError(
                "preset: None with 'imagenet'; give nasnet_a_mobile or "
                "nasnet_a_large"
            )
        model = from_preset(
            preset, classes=1000 if classes is None else classes
        )
        report = load_weights(model, source)
    else:
        read = read_source(source, slim_variables)
        model = _model_in_file(read, preset, classes)
        if model is None:
            model = _model_of_preset(read, preset, classes)
        report = assign_source(model, read)
    with written_beside(target, "target") as beside:
        model.save(beside)
    return report


def _check_target(target, overwrite):
    if target.suffix != ".keras":
        raise InputError(f"target: {target} does not end in .keras")
    check_output(target, argument="target")
    if target.exists() and not overwrite:
        raise InputError(
            f"target: {target} exists; give another name or --overwrite"
        )


def _model_in_file(source: WeightsSource, preset, classes):
    """The network that a `.keras` file of a `NASNet` describes."""
    if source.naming != OURS or not zipfile.is_zipfile(source.path):
        return None
    with zipfile.ZipFile(source.path) as archive:
        config = json.loads(archive.read("config.json"))
    if config.get("class_name") != NASNet.__name__:
        return None
    for name, value in (("preset", preset), ("classes", classes)):
        if value is not None:
            raise InputError(
                f"{name}: {value!r}, but {source.path} says what its network "
                f"is; leave {name} out"
            )
    # Only the network is wanted, not how it was trained.
    config.pop("compile_config", None)
    return keras.saving.deserialize_keras_object(config)


def _model_of_preset(source: WeightsSource, preset, classes):
    preset = preset or infer_preset(source)
    if source.classes is None:
        if classes is not None:
            raise InputError(
                f"classes: {classes}, but {source.path} has no classifier; "
                "leave classes out"
            )
        return from_preset(preset, include_top=False)
    if classes is None:
        dropped = source.naming == SLIM and source.classes == 1001
        classes = 1000 if dropped else source.classes
    return from_preset(preset, classes=classes)


def infer_preset(source: WeightsSource) -> str:
    """The preset with the stem, F and number of cells of a file's tensors.

    Raises:
        InputError: none has; asks for it.
    """
    imagenet, cifar, adapter = _TRAITS[source.naming]
    tensors = source.tensors
    stem = "imagenet" if imagenet in tensors else "cifar"
    adapters = [name for name in tensors if re.fullmatch(adapter, name)]
    if adapters:
        # The first group's cells have the fewest filters.
        filters = min(tensors[name].shape[-1] for name in adapters)
        stem_filters = tensors[imagenet if imagenet in tensors else cifar]
        traits = (stem, len(adapters) / 3, filters, stem_filters.shape[-1])
        for preset in PRESETS.values():
            if _traits(preset) == traits and (
                source.naming == OURS or _is_nasnet_a(preset)
            ):
                return preset.name
    raise InputError(
        f"preset: None, and the tensors of {source.path} fit none; give the "
        f"network: {', '.join(PRESETS)}"
    )


def _traits(preset):
    filters = get_genotype(preset.genotype).filters(preset.penultimate_filters)
    unit = 32 if preset.stem == "imagenet" else filters
    stem_filters = int(unit * preset.stem_multiplier)
    return (preset.stem, preset.num_cells, filters, stem_filters)


def _is_nasnet_a(preset):
    return get_genotype(preset.genotype) == NASNET_A
