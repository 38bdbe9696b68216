"""Weights of timm's `nasnetalarge`, in safetensors, as Keras lays them out."""

import pathlib

from nasnet_tf.checks.packages import check_packages

FORMAT = "safetensors"
_LENGTH = 8


def is_safetensors(path) -> bool:
    """Whether a file begins as safetensors do: a length, and JSON of it."""
    with pathlib.Path(path).open("rb") as file:
        size = int.from_bytes(file.read(_LENGTH), "little")
        start = file.read(1)
        file.seek(0, 2)
        return start == b"{" and size <= file.tell() - _LENGTH


def read(path):
    """`(format, tensors, no averages)` of a file.

    Kernels are turned from torch's order, outputs first, to Keras's.
    """
    check_packages(f"weights: {path}", {"safetensors": "safetensors"}, "hub")
    # An extra.
    from safetensors.numpy import load_file

    tensors = {
        name: _turned(name, value)
        for name, value in load_file(path).items()
        # Counts batches.
        if value.shape
    }
    return (FORMAT, tensors, frozenset())


def _turned(name, value):
    if value.ndim == 4:
        depthwise = name.endswith("depthwise_conv2d.weight")
        return value.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    return value.T
