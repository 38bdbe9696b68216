"""Writes a network in the format wanted."""

from __future__ import annotations

import pathlib

import numpy as np

from export.graph import Graph
from export.images import Images, inputs
from export.source import Original
from nasnet_tf.terminal.native_output import native_lines_hidden


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
        format: a key of `FILES`.
        quantize: see `export.job.export_model`.
        input_type: see there.
        calibration: images for `"int8"`.

    Raises:
        InputError: the format lacks an operation of the network.
        OSError: it cannot be written.
    """
    if input_type == "uint8":
        from export.graph.preprocessing import with_uint8_input

        graph = with_uint8_input(graph, original.preprocessing)
    if format == "litert":
        if calibration is not None:
            calibration = as_input(calibration, original, input_type)
        path.write_bytes(litert_content(graph, quantize, calibration))
        return
    from export.graph import to_keras

    model = to_keras(graph)
    if format == "onnx":
        from export.formats.onnx_model import write_onnx

        write_onnx(model, path)
    else:
        from export.formats.saved_model import write_saved_model

        write_saved_model(
            model,
            path,
            original.preprocessing,
            original.class_names,
            original.reading,
        )


def litert_content(
    graph: Graph, quantize: str = "none", calibration: np.ndarray | None = None
) -> bytes:
    """A .tflite file's bytes.

    Args:
        graph: the network as it is to be written.
        quantize: see `export.job.export_model`.
        calibration: for `"int8"`: images `(n, height, width, channels)` as
            the network takes them.

    Raises:
        InputError: LiteRT lacks an operation of the network.
    """
    from export.formats.litert.writer import write_litert

    content = write_litert(graph, float16=quantize == "float16")
    if quantize in ("none", "float16"):
        return content
    from export.formats.litert.quantize import quantize_litert

    with native_lines_hidden():
        return quantize_litert(content, quantize, calibration)


def as_input(
    images: Images, original: Original, input_type: str = "float32"
) -> np.ndarray:
    """Images as an exported file takes them, `(n, height, width, channels)`."""
    if input_type == "uint8":
        return images.pixels
    return inputs(images, original.preprocessing)
