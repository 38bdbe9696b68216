"""Parameters and multiply-adds, counted as the paper's tables count them."""

import dataclasses
import gc
import math

from nasnet_tf.cells.genotype import Genotype
from nasnet_tf.cells.genotypes import get_genotype
from nasnet_tf.cells.plan import Plan, make_plan
from nasnet_tf.checks.arguments import check_input_shape
from nasnet_tf.checks.errors import InputError
from nasnet_tf.layers import NASNetCell
from nasnet_tf.layers.convolution import halved
from nasnet_tf.networks.nasnet import NASNet, check_nasnet
from nasnet_tf.zoo.presets import Preset

# Statistics that training moves without a gradient; the paper leaves them out.
STATISTICS = ("moving_mean", "moving_variance")
STEM_KERNEL = 3
# Of every kind of layer that was counted. There are few: the operations of
# the search space on the few shapes of a network.
_LAYER_SIZES: dict = {}
# Keras layers are cycles, so that the weights of all that were built pile up
# until these are collected: at so many parameters. Not each time, since in a
# search Python looks through the graphs of what trains, for a second.
_MOST_UNCOLLECTED = 20_000_000
_uncollected = 0


@dataclasses.dataclass(frozen=True)
class NetworkSize:
    """What a network takes.

    Args:
        parameters: without batch-norm statistics and auxiliary head.
        mult_adds: multiply-adds for one image, without the auxiliary head.
    """

    parameters: int
    mult_adds: int


def count_mult_adds(model: NASNet, input_size=None) -> int:
    """Multiply-adds of a network for one image.

    Those of convolutions and of the classifier, as in the paper's Tables 2
    and 3; additions of a block, pools, norms and activations are not
    counted, nor is the auxiliary head, which only training uses.

    Args:
        model: a `NASNet`.
        input_size: pixels of a side or `(height, width)`; by default the
            model's own input size.

    Raises:
        InputError: not a NASNet, or no size.
    """
    check_nasnet(model)
    height, width = _size(model, input_size)
    image = (1, height, width, model.input_shape[-1])
    layers = {layer.name: layer for layer in model.layers}
    total = _stem_mult_adds(model.plan, image)
    for planned, shapes in _cells_and_shapes(model.plan, image):
        total += layers[planned.name].mult_adds(shapes)
    if "logits" in layers:
        total += math.prod(layers["logits"].kernel.shape)
    return total


def count_parameters(model: NASNet) -> int:
    """Trainable parameters of a network, as the paper counts them.

    Without batch-norm statistics and without the auxiliary head. A frozen
    network has as many as before.

    Raises:
        InputError: not a NASNet.
    """
    check_nasnet(model)
    return sum(
        _parameters(layer)
        for layer in model.layers
        if not layer.name.startswith("aux_")
    )


def count_preset(preset: Preset) -> NetworkSize:
    """The size of a preset, without building the network.

    Args:
        preset: from `nasnet_tf.get_preset`.
    """
    genotype = get_genotype(preset.genotype)
    return count_network(
        genotype,
        preset.num_cells,
        genotype.filters(preset.penultimate_filters),
        preset.arguments["input_shape"],
        preset.arguments["classes"],
        stem=preset.stem,
        stem_multiplier=preset.stem_multiplier,
        skip_reduction_layer_input=preset.skip_reduction_layer_input,
    )


def count_network(
    genotype: Genotype,
    num_cells: int,
    filters: int,
    input_shape: tuple[int, int, int],
    classes: int,
    **stacking,
) -> NetworkSize:
    """The size of a network of any genotype, without building it.

    Each kind of layer in it is built once and remembered, so that the next
    genotype takes a few hundredths of a second.

    Args:
        genotype: the cells.
        num_cells: N.
        filters: F, of the first group.
        input_shape: of an image, `(height, width, channels)`.
        classes: of the classifier.
        **stacking: further arguments of `nasnet_tf.cells.plan.make_plan`.
    """
    plan = make_plan(genotype, num_cells, filters, **stacking)
    image = (1, *input_shape)
    features = sum(state.channels for state in plan.cells[-1].outputs)
    logits = features * classes
    parameters = _stem_parameters(plan, image) + logits + classes
    mult_adds = _stem_mult_adds(plan, image) + logits
    counted = {}
    for planned, shapes in _cells_and_shapes(plan, image):
        arguments = {
            "cell": planned.cell,
            "filters": planned.filters,
            "strides": planned.stride,
            "projected": planned.projected,
            "halvings": planned.halvings,
        }
        key = (*arguments.values(), *shapes)
        if key not in counted:
            layer = NASNetCell(bottleneck=genotype.bottleneck, **arguments)
            counted[key] = _cell_size(layer, shapes)
        parameters += counted[key].parameters
        mult_adds += counted[key].mult_adds
    return NetworkSize(parameters, mult_adds)


def _cell_size(cell, shapes):
    sizes = [
        _layer_size(layer, shape)
        for layer, shape in cell.layers_and_shapes(shapes)
    ]
    return NetworkSize(
        sum(size.parameters for size in sizes),
        sum(size.mult_adds for size in sizes),
    )


def _layer_size(layer, shape):
    """Of a layer that is not built yet, on an input of `shape`."""
    # Layers of other names are as large.
    config = {**layer.get_config(), "name": None}
    key = (type(layer), repr(config), tuple(shape))
    if key not in _LAYER_SIZES:
        layer.build(shape)
        count = layer.mult_adds(shape) if hasattr(layer, "mult_adds") else 0
        _LAYER_SIZES[key] = NetworkSize(_parameters(layer), count)
        _count_uncollected(_LAYER_SIZES[key].parameters)
    return _LAYER_SIZES[key]


def _count_uncollected(parameters):
    global _uncollected
    _uncollected += parameters
    if _uncollected > _MOST_UNCOLLECTED:
        _uncollected = 0
        gc.collect()


def _size(model, input_size):
    size = model.input_shape[1:3] if input_size is None else input_size
    if isinstance(size, int):
        size = (size, size)
    if len(size) != 2 or None in size:
        raise InputError(
            f"input_size: {input_size} for a network that reads "
            f"{model.input_shape[1:]}; give pixels, such as 224"
        )
    check_input_shape((*size, model.input_shape[-1]))
    return size


def _parameters(layer):
    return sum(
        math.prod(variable.shape)
        for variable in layer.weights
        if variable.name not in STATISTICS
    )


def _stem_parameters(plan, image):
    # The convolution, and scale and offset of its norm.
    return plan.stem_filters * (STEM_KERNEL**2 * image[-1] + 2)


def _stem_mult_adds(plan, image):
    _, height, width, _ = _stem_shape(plan, image)
    taps = STEM_KERNEL**2 * image[-1]
    return height * width * taps * plan.stem_filters


def _stem_shape(plan: Plan, image):
    batch, height, width, _ = image
    if plan.stem == "imagenet":  # stride 2, VALID
        height, width = (height - 1) // 2, (width - 1) // 2
    return (batch, height, width, plan.stem_filters)


def _cells_and_shapes(plan, image):
    """Yields every planned cell with the shapes of its inputs."""
    shapes = {plan.stem_layer: _stem_shape(plan, image)}
    for planned in plan.cells:
        inputs = [
            (*shapes[state.layer][:-1], state.channels)
            for state in planned.inputs
        ]
        yield planned, inputs
        size = inputs[0]
        shapes[planned.name] = halved(size, planned.stride)
