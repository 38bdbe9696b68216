"""Feature maps of a network by level, for detectors and segmenters."""

import keras

from nasnet_tf.errors import InputError
from nasnet_tf.nasnet import check_nasnet


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
