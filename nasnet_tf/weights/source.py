"""What a file of weights holds, read whole before anything is assigned."""

import dataclasses
import os
import pathlib
import zipfile

import h5py
import numpy as np

from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.weights import keras_file, slim_checkpoint, timm_file

# Whose names the tensors of a file have.
OURS, KERAS, SLIM = "nasnet_tf", "keras.applications", "TF-slim"
TIMM = "timm"
SLIM_VARIABLES = ("auto", "average", "plain")

CLASSIFIER_KERNELS = {
    OURS: "logits/kernel",
    KERAS: "predictions/kernel",
    SLIM: "final_layer/FC/weights",
    TIMM: "last_linear.weight",
}
_STEMS = {
    OURS: ("conv0/kernel", "stem/kernel"),
    KERAS: ("stem_conv1/kernel",),
    SLIM: ("conv0/weights", "l1_stem_3x3/weights"),
    TIMM: ("conv0.conv.weight",),
}
_REMEDY = (
    "give a .keras, .weights.h5, Keras 2 .h5 or timm's .safetensors file of a "
    "NASNet, or the prefix of a TF-slim checkpoint"
)


@dataclasses.dataclass(frozen=True)
class WeightsSource:
    """The tensors of a file.

    Args:
        path: of the file, or the prefix of the checkpoint.
        format: such as `"Keras 2 .h5"`.
        naming: whose names these are: `OURS`, `KERAS`, `SLIM` or
            `TIMM`.
        tensors: arrays by name; in Keras formats `layer/weight`.
        averaged: the names of those that are moving averages.
    """

    path: str
    format: str
    naming: str
    tensors: dict[str, np.ndarray]
    averaged: frozenset[str] = frozenset()

    @property
    def classes(self) -> int | None:
        """Classes of the file's classifier, None without one."""
        kernel = self.tensors.get(CLASSIFIER_KERNELS[self.naming])
        return None if kernel is None else kernel.shape[-1]


def read_source(path, slim_variables: str = "auto") -> WeightsSource:
    """Reads a file of weights; its content says which kind it is.

    Args:
        path: see `nasnet_tf.load_weights`.
        slim_variables: see `nasnet_tf.load_weights`.

    Raises:
        InputError: there is no such file, it is damaged, or no NASNet's.
    """
    check_choice("slim_variables", slim_variables, SLIM_VARIABLES)
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(
            f"weights: {path!r} is not a path; give 'imagenet' or a path"
        )
    if path == "":
        raise InputError("weights: '' is empty; give 'imagenet' or a path")
    try:
        kind, tensors, averaged = _read(str(path), slim_variables)
    except InputError:
        raise
    except Exception as error:
        # h5py, zipfile, Keras and TensorFlow share no class of errors.
        raise InputError(
            f"weights: {path} cannot be read and may be damaged "
            f"({first_line(error)}); fetch or write it again"
        ) from error
    for naming, stems in _STEMS.items():
        if (naming == SLIM) == (kind == "TF-slim checkpoint") and any(
            stem in tensors for stem in stems
        ):
            return WeightsSource(str(path), kind, naming, tensors, averaged)
    _refuse_nested(path, kind, tensors)
    held = ", ".join(list(tensors)[:5]) or "no weights"
    raise InputError(
        f"weights: {path} ({kind}) holds no NASNet but {held}; {_REMEDY}"
    )


def _refuse_nested(path, kind, tensors):
    stems = tuple(f"/{stem}" for n in (OURS, KERAS) for stem in _STEMS[n])
    for name in tensors:
        if not name.endswith(stems):
            continue
        *layers, _, _ = name.split("/")
        inner = "".join(f".get_layer({layer!r})" for layer in layers)
        raise InputError(
            f"weights: {path} ({kind}) holds its NASNet nested in another "
            "model; load that as outer (keras.saving.load_model, or "
            "outer.load_weights for weights alone) and take "
            f"outer{inner}, whose .save() makes a file to give"
        )


def _read(path, slim_variables):
    if prefix := slim_checkpoint.prefix(path):
        return slim_checkpoint.read(prefix, slim_variables)
    if pathlib.Path(path).is_dir():
        found = sorted(pathlib.Path(path).glob("*.index"))
        hint = f"; did you mean {found[0].with_suffix('')}?" if found else ""
        raise InputError(f"weights: {path} is a directory{hint}; {_REMEDY}")
    if not pathlib.Path(path).exists():
        raise InputError(f"weights: {path} does not exist; {_REMEDY}")
    if zipfile.is_zipfile(path):
        return keras_file.read_archive(path)
    if h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            return keras_file.read_h5(file, path)
    if timm_file.is_safetensors(path):
        return timm_file.read(path)
    raise InputError(f"weights: {path} is of an unknown kind; {_REMEDY}")
