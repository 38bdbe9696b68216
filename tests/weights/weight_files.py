"""Writes small files of weights as other programs do."""

import h5py
import numpy as np
import tensorflow as tf

from nasnet_tf.networks.variables import is_weight, named_variables
from nasnet_tf.weights.names import keras_name, slim_name


def weights_of(model):
    """Arrays by our names."""
    return {
        name: np.array(variable.value)
        for name, variable in named_variables(model).items()
        if is_weight(name)
    }


def slim_tensors(model):
    """The variables of the model's TF-slim checkpoint."""
    return {
        slim_name(name, model.plan): value
        for name, value in weights_of(model).items()
    }


def write_checkpoint(prefix, tensors):
    """A TF checkpoint of arrays by name, with a global step."""
    tensors = {**tensors, "global_step": np.int64(7)}
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=[tf.constant(value) for value in tensors.values()],
    )
    return str(prefix)


def write_keras_2(path, model, whole_model=False):
    """What Keras 2 writes of the model in `keras.applications`."""
    layers = {}
    for name, value in weights_of(model).items():
        layer, weight = keras_name(name, model.plan)
        layers.setdefault(layer, {})[weight] = value
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if whole_model else file
        names = np.array(["input_1", *layers], "S")
        # Keras splits a list of names that does not fit one attribute.
        group.attrs["layer_names0"], group.attrs["layer_names1"] = (
            names[:9],
            names[9:],
        )
        group.create_group("input_1").attrs["weight_names"] = np.zeros(0, "S1")
        for layer, weights in layers.items():
            stored = [f"{layer}/{weight}:0" for weight in weights]
            group.create_group(layer).attrs["weight_names"] = np.array(
                stored, "S"
            )
            for name, value in zip(stored, weights.values(), strict=True):
                group[layer][name] = value
    return path
