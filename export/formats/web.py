"""A page that runs a LiteRT file in the browser."""

from __future__ import annotations

import pathlib

import numpy as np

from export.formats import litert
from export.formats.labels import write_labels
from export.graph import Graph
from export.graph.preprocessing import normalization
from export.sources.original import Original
from nasnet_tf.browser.page import LABELS, MODEL, PageSettings, write_page
from nasnet_tf.checks.errors import InputError

# Functions whose results are shares that need no softmax.
_PROBABILITIES = ("softmax", "sigmoid")


def write(
    original: Original,
    graph: Graph,
    path: pathlib.Path,
    quantize: str = "none",
    calibration: np.ndarray | None = None,
) -> None:
    """Writes a page's folder, but for LiteRT.js.

    See `export.targets.target.ExportTarget`.
    """
    path.mkdir()
    litert.write(original, graph, path / MODEL, quantize, calibration)
    if original.labels:
        write_labels(path / LABELS, original.labels)
    write_page(path, page_settings(original, graph))


def page_settings(original: Original, graph: Graph) -> PageSettings:
    """What the page is to know of a network as it was written."""
    ((_, given),) = graph.of("input")
    dtype = given.options.get("dtype", "float32")
    last = graph[graph.output]
    return PageSettings(
        title=original.title,
        size=original.size,
        channels=original.channels,
        reading=original.reading,
        input=dtype,
        preprocessing=None if dtype == "uint8" else _preprocessing(original),
        output="probabilities"
        if last.options.get("function") in _PROBABILITIES
        else "scores",
        labelled=bool(original.labels),
    )


def _preprocessing(original):
    kind = original.preprocessing
    if kind == "whitening":
        return kind
    found = normalization(kind, original.channels)
    if found is None:
        raise InputError(
            f"preprocessing: {kind!r} with format 'web', whose page has no "
            "such scaling; take --input_type=uint8"
        )
    mean, deviation = found
    return mean.tolist(), deviation.tolist()
