"""LiteRT (TFLite) files: written, and quantised."""

from __future__ import annotations

import pathlib

import numpy as np

from export.formats.litert.description import described
from export.formats.litert.writer import write_litert
from export.graph import Graph
from export.sources.original import Original
from nasnet_tf.terminal.native_output import native_lines_hidden


def write(
    original: Original,
    graph: Graph,
    path: pathlib.Path,
    quantize: str = "none",
    calibration: np.ndarray | None = None,
) -> None:
    """Writes a .tflite file; see `export.targets.target.ExportTarget`."""
    content = litert_content(graph, quantize, calibration)
    path.write_bytes(described(content, original, graph))


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
    content = write_litert(graph, float16=quantize == "float16")
    if quantize in ("none", "float16"):
        return content
    # A search for latency writes float32 files, and needs no quantiser.
    from export.formats.litert.quantize import quantize_litert

    with native_lines_hidden():
        return quantize_litert(content, quantize, calibration)
