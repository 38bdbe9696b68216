"""Names of a model's variables: ours, TF-slim's, keras.applications'."""


def named_variables(model) -> dict:
    """Every weight of a model by a name that survives saving and cloning.

    `cell_3/block_0_left/separable_conv_1/depthwise_kernel`: the layer in the
    model, the layers in it, the variable; no prefix of an outer scope.
    """
    variables = {}
    for layer in model.layers:
        for variable in layer.variables:
            path = f"/{variable.path}"
            # What stands before the layer's name is the scope around it.
            name = path[path.rindex(f"/{layer.name}/") + 1 :]
            variables[name] = variable
    return variables
