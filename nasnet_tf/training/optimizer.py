"""The optimizer of a recipe, and its moving average of the weights."""

import contextlib

import keras

from nasnet_tf.training.config import RecipeConfig

# What is not decayed, by the end of its name: norms and biases.
NOT_DECAYED = ("gamma", "beta", "bias")


def make_optimizer(recipe: RecipeConfig, learning_rate, dtype="float32"):
    """Keras's optimizer for a recipe.

    The gradients that it applies are to be summed over replicas already: its
    own sum is off, because the recipe clips by the norm of the summed
    gradient (`nasnet_tf.training.step`).

    Args:
        recipe: `optimizer` and its constants, and `ema_momentum`.
        learning_rate: a number or a schedule.
        dtype: the policy of the layers; `"mixed_float16"` gets a dynamic loss
            scale.

    Returns:
        A Keras optimizer, not built yet.
    """
    epsilon = {} if recipe.epsilon is None else {"epsilon": recipe.epsilon}
    average = {}
    if recipe.ema_momentum:
        average = {"use_ema": True, "ema_momentum": recipe.ema_momentum}
    kinds = {
        "sgd": (keras.optimizers.SGD, {"momentum": recipe.momentum}),
        "rmsprop": (
            keras.optimizers.RMSprop,
            # Of the paper (App. A.7); added under the root, as in TensorFlow.
            {"rho": recipe.rho, "momentum": recipe.momentum, "epsilon": 1.0}
            | epsilon,
        ),
        "adam": (keras.optimizers.Adam, epsilon),
        "adamw": (
            keras.optimizers.AdamW,
            {"weight_decay": recipe.decoupled_weight_decay} | epsilon,
        ),
    }
    kind, constants = kinds[recipe.optimizer]
    optimizer = kind(learning_rate, **constants, **average)
    if recipe.optimizer == "adamw":
        optimizer.exclude_from_weight_decay(var_names=list(NOT_DECAYED))
    if not hasattr(optimizer, "_all_reduce_sum_gradients"):
        raise RuntimeError("this Keras sums gradients elsewhere; see optimizer")
    optimizer._all_reduce_sum_gradients = lambda pairs: pairs
    if dtype == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def moving_averages(optimizer) -> list:
    """The averages of the trainable variables, in their order; may be empty.

    Args:
        optimizer: of `make_optimizer`, built.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not inner.use_ema:
        return []
    # Keras has no public name for them.
    return list(inner._model_variables_moving_average)


@contextlib.contextmanager
def averaged_weights(model, optimizer):
    """Inside, the model has the averaged weights; then its own again.

    Args:
        model: whose trainable variables the optimizer was built on.
        optimizer: of `make_optimizer`; without an average nothing changes.
    """
    averages = moving_averages(optimizer)
    variables = model.trainable_variables if averages else []
    kept = [keras.ops.convert_to_numpy(variable) for variable in variables]
    for variable, average in zip(variables, averages, strict=True):
        variable.assign(average)
    try:
        yield model
    finally:
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)
