"""Writes a network in the format wanted."""

from __future__ import annotations

import pathlib

import numpy as np

from export.graph import Graph
from export.graph.preprocessing import with_uint8_input
from export.sources.images import Images, inputs
from export.sources.original import Original
from export.targets import get_target


def write_format(
    original: Original,
    graph: Graph,
    path: pathlib.Path,
    format: str,
    quantize: str = "none",
    input_type: str = "float32",
    calibration: Images | None = None,
) -> None:
    """Writes a file, or the folder of a SavedModel.

    Args:
        original: knows preprocessing and classes.
        graph: the network as it is to be written.
        path: does not exist.
        format: a name of `export.targets`.
        quantize: see `export.job.export_model`.
        input_type: see there.
        calibration: images for `"int8"`.

    Raises:
        InputError: the format lacks an operation of the network.
        OSError: it cannot be written.
    """
    if input_type == "uint8":
        graph = with_uint8_input(graph, original.preprocessing)
    images = None
    if calibration is not None:
        images = as_input(calibration, original, input_type)
    write = get_target(format).function("write")
    write(original, graph, path, quantize, images)


def as_input(
    images: Images, original: Original, input_type: str = "float32"
) -> np.ndarray:
    """Images as an exported file takes them, `(n, height, width, channels)`."""
    if input_type == "uint8":
        return images.pixels
    return inputs(images, original.preprocessing)
