"""Names of variables: ours, TF-slim's, keras.applications', timm's.

Ours read `cell_3/block_0_left/separable_conv_1/depthwise_kernel`: the layer of
the model, the layers in it, the variable.
"""

import re

from nasnet_tf.checks.errors import InputError

_SLIM_WEIGHTS = {
    "kernel": "weights",
    "bias": "biases",
    "depthwise_kernel": "depthwise_weights",
    "pointwise_kernel": "pointwise_weights",
}
_SLIM_LAYERS = {
    "conv0": "conv0",
    "conv0_norm": "conv0_bn",
    "stem": "l1_stem_3x3",
    "stem_norm": "l1_stem_bn",
    "logits": "final_layer/FC",
    "aux_projection": "aux_{aux}/aux_logits/proj",
    "aux_projection_norm": "aux_{aux}/aux_logits/aux_bn0",
    "aux_conv": "aux_{aux}/aux_logits/Conv",
    "aux_conv_norm": "aux_{aux}/aux_logits/aux_bn1",
    "aux_logits": "aux_{aux}/aux_logits/FC",
}
_SLIM_PARTS = {
    "input_0/conv_1": "1x1",
    "input_0/norm_1": "beginning_bn",
    "input_1/conv_1": "prev_1x1",
    "input_1/norm_1": "prev_bn",
    "input_1_halving_0/path_1": "path1_conv",
    "input_1_halving_0/path_2": "path2_conv",
    "input_1_halving_0/norm": "final_path_bn",
    "output_1/conv_1": "cell_output/reduction_1/path_conv",
    "output_1/norm_1": "cell_output/reduction_1/path_bn",
}
_KERAS_LAYERS = {
    "conv0": "stem_conv1",
    "conv0_norm": "stem_bn1",
    "logits": "predictions",
}
_KERAS_PARTS = {
    "input_0/conv_1": "{kind}_conv_1_{id}",
    "input_0/norm_1": "{kind}_bn_1_{id}",
    "input_1/conv_1": "adjust_conv_projection_{id}",
    "input_1/norm_1": "adjust_bn_{id}",
    "input_1_halving_0/path_1": "adjust_conv_1_{id}",
    "input_1_halving_0/path_2": "adjust_conv_2_{id}",
    "input_1_halving_0/norm": "adjust_bn_{id}",
}
_TIMM_WEIGHTS = {
    "kernel": "weight",
    "depthwise_kernel": "depthwise_conv2d.weight",
    "pointwise_kernel": "pointwise_conv2d.weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_TIMM_LAYERS = {
    "conv0": "conv0.conv",
    "conv0_norm": "conv0.bn",
    "logits": "last_linear",
}
_TIMM_PARTS = {
    "input_0/conv_1": "conv_1x1.conv",
    "input_0/norm_1": "conv_1x1.bn",
    "input_1/conv_1": "conv_prev_1x1.conv",
    "input_1/norm_1": "conv_prev_1x1.bn",
    "input_1_halving_0/path_1": "path_1.conv",
    "input_1_halving_0/path_2": "path_2.conv",
    "input_1_halving_0/norm": "final_path_bn",
}


def slim_name(name: str, plan) -> str:
    """The name of a variable in a TF-slim checkpoint.

    Args:
        name: a name of `named_variables`, of a weight.
        plan: the `Plan` of the network.

    Raises:
        InputError: slim's NASNet has no such variable.
    """
    layer, _, rest = name.partition("/")
    part, _, weight = rest.rpartition("/")
    weight = _SLIM_WEIGHTS.get(weight, weight)
    if layer in _SLIM_LAYERS and not part:
        aux = plan.auxiliary_cell.removeprefix("cell_")
        return f"{_SLIM_LAYERS[layer].format(aux=aux)}/{weight}"
    found = _SLIM_PARTS.get(part) or _slim_operation(layer, part, plan)
    if found is None:
        raise InputError(
            f"weights: TF-slim's checkpoints have no variable for {name}; "
            "they hold networks of separable convolutions, pools and "
            "identities between two inputs"
        )
    return f"{layer}/{found}/{weight}"


def _slim_operation(layer, part, plan):
    match = _match_operation(part)
    if not match:
        return None
    block, side, kind, number = match.groups()
    scope = f"comb_iter_{block}/{side}"
    branch = _cell(layer, plan).blocks[int(block)].branches[side == "right"]
    operation = branch[0]
    if operation.startswith("separable_conv_"):
        size = operation.removeprefix("separable_conv_")
        prefix = "bn_sep" if kind == "norm" else "separable"
        return f"{scope}/{prefix}_{size}_{number}"
    if operation == "identity" or "_pool_" in operation:
        return f"{scope}/bn_1" if kind == "norm" else f"{scope}/1x1"
    return None


def keras_name(name: str, plan) -> tuple[str, str]:
    """The (layer, weight) of a variable in `keras.applications`' NASNet.

    Args:
        name: a name of `named_variables`, of a weight.
        plan: the `Plan` of the network.

    Raises:
        InputError: that network has no such variable.
    """
    layer, _, rest = name.partition("/")
    part, _, weight = rest.rpartition("/")
    if layer in _KERAS_LAYERS and not part:
        return _KERAS_LAYERS[layer], weight
    found = _KERAS_PARTS.get(part) or _keras_operation(part)
    block_id = _keras_block_id(layer, plan.num_cells)
    if found is None or block_id is None or plan.stem != "imagenet":
        raise InputError(
            f"weights: keras.applications' NASNet has no layer for {name}; "
            "its files hold NASNet-A with the ImageNet stem, without the "
            "auxiliary head"
        )
    kind = "normal" if re.match(r"cell_\d", layer) else "reduction"
    found = found.format(kind=kind, id=block_id)
    # The last block's operation of a reduction cell has the name of block 4.
    return found.replace("_reduction_left5_", "_reduction_left4_"), weight


def _keras_operation(part):
    match = _match_operation(part)
    if not match or match[3] == "conv":
        return None
    block, side, kind, number = match.groups()
    norm = "_bn" if kind == "norm" else ""
    where = f"{side}{int(block) + 1}"
    return f"separable_conv_{number}{norm}_{{kind}}_{where}_{{id}}"


def _keras_block_id(layer, num_cells):
    prefix, _, number = layer.rpartition("_")
    if not number.isdigit():
        return None
    number = int(number)
    blocks = {
        "cell_stem": f"stem_{number + 1}",
        "reduction_cell": f"reduce_{(number + 1) * num_cells}",
        # The first reduction cell has a number of its own, the second has not.
        "cell": f"{number + (number >= num_cells)}",
    }
    return blocks.get(prefix)


def timm_name(name: str, plan) -> str:
    """The name of a variable in timm's `nasnetalarge`.

    Args:
        name: a name of `named_variables`, of a weight.
        plan: the `Plan` of the network.

    Raises:
        InputError: that network has no such variable.
    """
    layer, _, rest = name.partition("/")
    part, _, weight = rest.rpartition("/")
    weight = _TIMM_WEIGHTS.get(weight, weight)
    if layer in _TIMM_LAYERS and not part:
        return f"{_TIMM_LAYERS[layer]}.{weight}"
    found = _TIMM_PARTS.get(part) or _timm_operation(part)
    if found is None or plan.stem != "imagenet":
        raise InputError(
            f"weights: timm's nasnetalarge has no variable for {name}; its "
            "files hold NASNet-A with the ImageNet stem, without the "
            "auxiliary head"
        )
    return f"{layer}.{found}.{weight}"


def _timm_operation(part):
    match = _match_operation(part)
    if not match or match[3] == "conv":
        return None
    block, side, kind, number = match.groups()
    prefix = "bn_sep" if kind == "norm" else "separable"
    return f"comb_iter_{block}_{side}.{prefix}_{number}"


def _match_operation(part):
    pattern = r"block_(\d+)_(left|right)/(separable_conv|conv|norm)_(\d+)"
    return re.fullmatch(pattern, part)


def _cell(layer, plan):
    return next(cell.cell for cell in plan.cells if cell.name == layer)
