"""Weights in the checkpoints that TF-slim's trainer wrote."""

import pathlib
import re

from nasnet_tf.checks.errors import InputError

_AVERAGE = "/ExponentialMovingAverage"
# Anything else is a step or a slot of an optimizer.
_WEIGHTS = (
    "weights",
    "biases",
    "depthwise_weights",
    "pointwise_weights",
    "gamma",
    "beta",
    "moving_mean",
    "moving_variance",
)


def prefix(path: str) -> str | None:
    """The checkpoint's prefix where `path` is it or one of its files."""
    stem = re.sub(r"\.(index|data-\d+-of-\d+)$", "", path)
    return stem if pathlib.Path(f"{stem}.index").is_file() else None


def is_weight(variable: str) -> bool:
    """Whether a variable is a weight; else it is a step or a slot."""
    return variable.removesuffix(_AVERAGE).rpartition("/")[2] in _WEIGHTS


def read(path: str, slim_variables: str):
    """`(format, tensors, names of the averaged ones)` of a checkpoint.

    Args:
        path: the prefix.
        slim_variables: `"auto"`: the moving average of each variable that has
            one; `"average"`: the same, but some must have one; `"plain"`.
    """
    # Only checkpoints need it: Keras may run on JAX or torch.
    import tensorflow as tf

    reader = tf.train.load_checkpoint(path)
    stored = {}
    for name in reader.get_variable_to_shape_map():
        variable = name.removesuffix(_AVERAGE)
        is_average = variable != name
        if not is_weight(variable) or (
            is_average and slim_variables == "plain"
        ):
            continue
        # In whichever order they come, the average goes before.
        if is_average or variable not in stored:
            stored[variable] = name
    averaged = frozenset(
        variable for variable, name in stored.items() if variable != name
    )
    if slim_variables == "average" and not averaged:
        raise InputError(
            f"slim_variables: 'average', but {path} holds no moving averages; "
            "use 'plain'"
        )
    tensors = {
        variable: reader.get_tensor(name)
        for variable, name in sorted(stored.items())
    }
    return ("TF-slim checkpoint", tensors, averaged)
