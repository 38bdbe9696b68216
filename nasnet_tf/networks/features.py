"""Feature maps of a network by level, for detectors and segmenters."""

import itertools

import keras

from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.nasnet import check_nasnet


def feature_levels(model) -> dict:
    """The last end point at each level: `{level: name}`, stride 2^level."""
    plan = model.plan
    levels = {}
    if plan.stem == "imagenet":
        levels[1] = "conv0"
    else:
        levels[0] = "stem"
    for cell in plan.cells:
        stride = cell.outputs[0].stride
        levels[stride.bit_length() - 1] = cell.name
    return levels


def feature_extractor(model, levels=(2, 3, 4, 5)) -> keras.Model:
    """A model of the feature maps, sharing the layers of `model`.

    Args:
        model: a `NASNet` of any input size.
        levels: a map of level l has stride 2^l. ImageNet networks have levels
            1 to 5, CIFAR networks 0 to 2.

    Returns:
        A model from images `(batch, height, width, channels)` to the dict
        `{"2": ..., "5": ...}` of the last map at each level, before the ReLU
        of the cell that reads it. Cells with several outputs are concatenated.

    Raises:
        InputError: not a `NASNet`, or it has no such level.
    """
    check_nasnet(model)
    available = feature_levels(model)
    if not isinstance(levels, (list, tuple)) or not levels:
        raise InputError(f"levels: {levels!r} is not a list of levels")
    outputs = {}
    for level in levels:
        if level not in available:
            raise InputError(
                f"levels: {level!r} is not one of {model.name}'s levels "
                f"{', '.join(map(str, available))}"
            )
        maps = model.end_points[available[level]]
        if isinstance(maps, (list, tuple)):
            concatenate = keras.layers.Concatenate(
                name=f"level_{level}", dtype=model.get_config()["dtype"]
            )
            maps = concatenate(maps)
        outputs[str(level)] = maps
    return keras.Model(model.input, outputs, name=f"{model.name}_features")


def split_before_second_reduction(model) -> tuple[keras.Model, keras.Model]:
    """The two stages that a two-stage detector makes of a network.

    The paper's detector (section 3.3; slim's feature extractor) proposes
    regions from the two cells before the second reduction, and classifies
    each region by the cells that are left.

    Args:
        model: a `NASNet`.

    Returns:
        Two models that share the layers of `model`. The first maps images to
        the hidden states that cells of the second read, older first,
        concatenated; `(batch, height, width, channels)` at stride 16 (imagenet)
        or 2 (cifar). The second maps such a map, or a crop of it, to the
        network's last feature map, after its ReLU.

    Raises:
        InputError: not a `NASNet`, or one whose last cells read states of
            several resolutions.
    """
    check_nasnet(model)
    cells = model.plan.cells
    start = [cell.name for cell in cells].index("reduction_cell_1")
    front, rest = cells[:start], cells[start:]
    made = [state for cell in front for state in cell.outputs]
    read = {state for cell in rest for state in cell.inputs}
    states = [state for state in made if state in read]
    if len({state.stride for state in states}) > 1:
        raise InputError(
            f"model: the last cells of {model.name} read states of several "
            "resolutions; give a network of more cells a group (num_cells)"
        )
    policy = model.get_config()["dtype"]
    outputs = [_output(model.end_points, state) for state in states]
    features = keras.layers.Concatenate(name="proposals", dtype=policy)(outputs)
    first = keras.Model(model.input, features, name=f"{model.name}_proposals")
    return first, _rest(model, states, rest, policy)


def _output(outputs, state):
    made = outputs[state.layer]
    return made[state.output] if isinstance(made, (list, tuple)) else made


def _rest(model, states, cells, policy):
    """The last cells on new inputs; their layers are those of `model`."""
    channels = [state.channels for state in states]
    crops = keras.Input((None, None, sum(channels)), name="crops")
    ends = list(itertools.accumulate(channels))[:-1]
    outputs: dict[str, dict] = {}
    parts = keras.ops.split(crops, ends, axis=-1)
    for state, part in zip(states, parts, strict=True):
        outputs.setdefault(state.layer, {})[state.output] = part
    factors = {}
    if any(layer.name == "drop_path" for layer in model.layers):
        # Drawn anew: there are more crops than images.
        drawn = model.get_layer("drop_path")(crops)
        names = [cell.name for cell in model.plan.cells]
        factors = {
            name: [factor] for name, factor in zip(names, drawn, strict=True)
        }
    relu = keras.layers.ReLU(name="relu", dtype=policy)
    for cell in cells:
        inputs = [
            relu(outputs[state.layer][state.output])
            if activated
            else outputs[state.layer][state.output]
            for state, activated in zip(
                cell.inputs, cell.activated, strict=True
            )
        ]
        made = model.get_layer(cell.name)(inputs + factors.get(cell.name, []))
        made = made if isinstance(made, (list, tuple)) else [made]
        outputs[cell.name] = dict(enumerate(made))
    last = [relu(made) for made in outputs[cells[-1].name].values()]
    if len(last) > 1:
        last = [keras.layers.Concatenate(name="concatenated")(last)]
    return keras.Model(crops, last[0], name=f"{model.name}_last_cells")
