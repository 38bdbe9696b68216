"""Batch norm folded into the convolutions, for inference."""

from collections.abc import Mapping

import keras

from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.nasnet import NASNet, check_nasnet
from nasnet_tf.networks.variables import named_variables

# What only training has.
_INFERENCE = {
    "folded": True,
    "auxiliary_head": False,
    "dropout_rate": 0.0,
    "drop_path_keep_prob": 1.0,
    "drop_path_total_steps": None,
    "rematerialize": False,
    "frozen_layers": (),
}


def fold_batch_norm(model: NASNet) -> NASNet:
    """The same function at inference, without batch norm.

    Each convolution's kernel takes the scale of the batch norm after it, and
    its bias the offset. Auxiliary head, dropout and drop path, which only
    training uses, are left out.

    Args:
        model: a `NASNet`; it stays as it is.

    Returns:
        A `NASNet` of the same name with the outputs of `model(images,
        training=False)` but for rounding. It is not for training.

    Raises:
        InputError: not a `NASNet`, or folded already.
    """
    check_nasnet(model)
    config = model.get_config()
    if config["folded"]:
        raise InputError(f"model: {model.name} has no batch norm to fold")
    folded = NASNet.from_config({**config, **_INFERENCE})
    sources = {
        name: variable.value
        for name, variable in named_variables(model).items()
    }
    for name, variable in named_variables(folded).items():
        value = folded_value(name, sources, config["batch_norm_epsilon"])
        variable.assign(value)
    return folded


def folded_value(name: str, sources: Mapping, epsilon: float):
    """The value of a variable of a network without batch norm.

    Args:
        name: the variable's, of `named_variables`.
        sources: values by name, of the network with batch norm.
        epsilon: of the batch norms.
    """
    layer, _, weight = name.rpartition("/")
    norm = _norm_after(layer, weight, sources)
    if norm is None:
        return sources[name]
    gamma, beta, mean, variance = (
        sources[f"{norm}/{part}"]
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma * keras.ops.rsqrt(variance + epsilon)
    if weight == "bias":
        return beta - mean * scale
    kernel = sources[name]
    filters = kernel.shape[-1]
    # The second path of a factorised reduction makes the last channels.
    second = layer.endswith("/path_2")
    return kernel * (scale[-filters:] if second else scale[:filters])


def _norm_after(layer, weight, sources):
    """The name of the batch norm that scales this weight, or None."""
    if weight == "depthwise_kernel":
        return None
    parent, _, last = layer.rpartition("/")
    number = last.rpartition("_")[2]
    candidates = (
        f"{layer}_norm",  # the stem
        f"{parent}/norm_{number}",  # an operation's convolution
        f"{parent}/norm",  # a path of a factorised reduction
        f"{layer}/norm",  # the bias of a factorised reduction
    )
    for norm in candidates:
        if f"{norm}/moving_mean" in sources:
            return norm
    return None
