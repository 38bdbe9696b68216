"""Networks as `.keras` files that Keras reads with nothing of ours."""

from __future__ import annotations

import pathlib

import numpy as np

from export.graph import Graph, to_keras
from export.sources.original import Original


def write(
    original: Original,
    graph: Graph,
    path: pathlib.Path,
    quantize: str = "none",
    calibration: np.ndarray | None = None,
) -> None:
    """Writes a graph; see `export.targets.target.ExportTarget`."""
    del original, quantize, calibration
    to_keras(graph).save(path)
