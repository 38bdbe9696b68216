"""Weights in the formats of Keras 3 and Keras 2, as arrays by name."""

import io
import zipfile

import h5py
import keras
import ml_dtypes
import numpy as np

from nasnet_tf.checks.errors import InputError
from nasnet_tf.networks.variables import is_weight, layer_path

# Keras 3 numbers the variables of a layer in the order it made them; their
# ranks tell which layer it is.
_KERAS_3_VARIABLES = {
    (4,): ("kernel",),
    (4, 1): ("kernel", "bias"),
    (2, 1): ("kernel", "bias"),
    (4, 4): ("depthwise_kernel", "pointwise_kernel"),
    (4, 4, 1): ("depthwise_kernel", "pointwise_kernel", "bias"),
    (1,): ("bias",),
    (1, 1, 1, 1): ("gamma", "beta", "moving_mean", "moving_variance"),
    (1, 1): ("gamma", "beta"),
}
_ARCHIVE_WEIGHTS = "model.weights.h5"


def read_archive(path):
    """`(format, tensors, no averages)` of a `.keras` file."""
    with zipfile.ZipFile(path) as archive:
        if _ARCHIVE_WEIGHTS not in archive.namelist():
            raise InputError(
                f"weights: {path} is a zip archive without {_ARCHIVE_WEIGHTS}; "
                "give a .keras file in one piece"
            )
        content = io.BytesIO(archive.read(_ARCHIVE_WEIGHTS))
    with h5py.File(content, "r") as file:
        return ("Keras 3 .keras", _read_keras_3(file, path), frozenset())


def read_h5(file, path):
    """The same of an open HDF5 file, Keras 3's or Keras 2's."""
    group = file.get("model_weights", file)
    if _attribute(group, "layer_names"):
        return ("Keras 2 .h5", _read_keras_2(group), frozenset())
    return ("Keras 3 .weights.h5", _read_keras_3(file, path), frozenset())


def _read_keras_2(group):
    tensors = {}
    for layer in _attribute(group, "layer_names"):
        for name in _attribute(group[layer], "weight_names"):
            path = layer_path(layer, name.removesuffix(":0"))
            if is_weight(path):
                tensors[path] = group[layer][name][()]
    return tensors


def _attribute(group, name):
    """A list of names; Keras splits a long one into `name0`, `name1`, ..."""
    parts, number = [group.attrs.get(name, [])], 0
    while f"{name}{number}" in group.attrs:
        parts.append(group.attrs[f"{name}{number}"])
        number += 1
    names = [name for part in parts for name in part]
    return [n.decode() if isinstance(n, bytes) else str(n) for n in names]


def _read_keras_3(file, path):
    tensors, nameless = {}, []

    def visit(location, group):
        if not location.endswith("/vars") or location.startswith("optimizer"):
            return
        stored = [group[str(number)] for number in range(len(group))]
        variables = _KERAS_3_VARIABLES.get(tuple(d.ndim for d in stored))
        # Integers of rank 1 are the state of a seed.
        if variables is None or stored[0].dtype.kind in "iu":
            return
        layers = _layer_names(file, location)
        if layers is None:
            nameless.append(location)
            return
        for variable, dataset in zip(variables, stored, strict=True):
            tensors["/".join([*layers, variable])] = _array(dataset)

    file.visititems(visit)
    return _read_nameless(file, path) if nameless else tensors


def _layer_names(file, location):
    """Names of the layers around a group, or None if its own is not kept."""
    parts, names = location.split("/")[:-1], []
    for count in range(2, len(parts) + 1):
        group = file.get("/".join([*parts[:count], "vars"]))
        name = None if group is None else group.attrs.get("name")
        if name is not None:
            names.append(str(name))
    return names if name is not None else None


def _array(dataset):
    if dataset.attrs.get("dtype") == "bfloat16":
        return np.array(dataset, dtype=ml_dtypes.bfloat16).astype("float32")
    return dataset[()]


def _read_nameless(file, path):
    """Older versions of Keras 3 keep no names: let Keras find its layers."""
    layers = file.get("layers", file.get("_layer_checkpoint_dependencies"))
    stem = layers["conv2d/vars/0"].shape
    classes = layers["dense/vars/0"].shape[-1] if "dense" in layers else None
    networks = {
        32: (keras.applications.NASNetMobile, 224),
        96: (keras.applications.NASNetLarge, 331),
    }
    if stem[-1] not in networks:
        raise InputError(
            f"weights: {path} keeps no layer names and is neither "
            "keras.applications' NASNetMobile nor its NASNetLarge; load it in "
            "Keras and save it again"
        )
    make, size = networks[stem[-1]]
    if keras.backend.backend() == "torch" and size == 224:
        raise InputError(
            f"weights: {path} keeps no layer names, and keras.applications' "
            "NASNetMobile, which is needed to read it, refuses the torch "
            "backend; set KERAS_BACKEND=tensorflow"
        )
    model = make(
        input_shape=(size, size, stem[2]),
        include_top=classes is not None,
        weights=None,
        classes=classes or 1000,
    )
    model.load_weights(path)
    return {
        layer_path(layer.name, variable.path): keras.ops.convert_to_numpy(
            variable
        )
        for layer in model.layers
        for variable in layer.variables
    }
