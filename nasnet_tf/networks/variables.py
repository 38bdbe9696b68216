"""A network's variables, by names that outlive saving and cloning."""

# Whatever else a model keeps (steps, seeds) is no weight of any file.
WEIGHTS = (
    "kernel",
    "bias",
    "depthwise_kernel",
    "pointwise_kernel",
    "gamma",
    "beta",
    "moving_mean",
    "moving_variance",
)
CLASSIFIERS = ("logits", "aux_logits")


def named_variables(model) -> dict:
    """Every variable of a model by a name that survives saving and cloning.

    `cell_3/block_0_left/separable_conv_1/depthwise_kernel`: the layer in the
    model, the layers in it, the variable; no prefix of an outer scope.
    """
    variables = {}
    for layer in model.layers:
        for variable in layer.variables:
            name = layer_path(layer.name, variable.path)
            variables[name] = variable
    return variables


def layer_path(layer: str, path: str) -> str:
    """The part of a variable's path that begins with its layer's name."""
    path = f"/{path}"
    start = path.rfind(f"/{layer}/")
    if start < 0:  # a seed, or a layer that was renamed while it was saved
        return f"{layer}/{path.rpartition('/')[2]}"
    # What stands before the layer's name is the scope around it.
    return path[start + 1 :]


def is_statistic(name: str) -> bool:
    """Whether the variable of this name is a batch norm's moving statistic."""
    return name.endswith(("moving_mean", "moving_variance"))


def is_weight(name: str) -> bool:
    """Whether the variable of this name is a weight or a BN statistic."""
    return name.rpartition("/")[2] in WEIGHTS
