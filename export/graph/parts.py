"""One call in a Keras model, as what makes nodes of it sees it."""

import typing

import keras
import numpy as np


class Parts(typing.NamedTuple):
    """One call of a layer or an operation.

    Args:
        layer: the layer or operation of Keras.
        name: of the node.
        arguments: of the call, with `args` and `kwargs`.
        tensors: those among them that are tensors.
        shape: of what it returns, without the batch.
    """

    layer: typing.Any
    name: str
    arguments: typing.Any
    tensors: list
    shape: tuple


def value_of(variable) -> np.ndarray:
    """A variable, a tensor or a number as float32."""
    return np.asarray(keras.ops.convert_to_numpy(variable), "float32")
