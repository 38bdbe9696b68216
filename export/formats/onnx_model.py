"""Networks as ONNX files."""

from __future__ import annotations

import logging
import pathlib
import tempfile
import warnings

import keras
import numpy as np
import onnx

from export.formats.on_tensorflow import on_tensorflow
from export.graph import Graph, to_keras
from export.sources.original import Original
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.terminal.native_output import native_lines_hidden

INPUT, OUTPUT = "images", "predictions"


def write(
    original: Original,
    graph: Graph,
    path: pathlib.Path,
    quantize: str = "none",
    calibration: np.ndarray | None = None,
) -> None:
    """Writes a graph; see `export.targets.target.ExportTarget`."""
    del original, quantize, calibration
    on_tensorflow(write_graph, graph, path)


def write_graph(graph: Graph, path) -> None:
    """Writes a graph; Keras runs on TensorFlow."""
    write_onnx(to_keras(graph), path)


def write_onnx(model: keras.Model, path) -> None:
    """Writes a classifier as an ONNX file, by Keras's exporter.

    The file's input is `images`, `(batch, height, width, channels)` of any
    batch and of the model's type, and its output `predictions`, `(batch,
    classes)`. It has passed ONNX's checker.

    Args:
        model: functional, of one input and one output; it stays as it is.
        path: of the file to write.

    Raises:
        InputError: ONNX lacks an operation of the model.
    """
    given = model.inputs[0]
    signature = keras.InputSpec(
        shape=(None, *given.shape[1:]), dtype=given.dtype, name=INPUT
    )
    with tempfile.TemporaryDirectory() as folder:
        converted = pathlib.Path(folder) / "model.onnx"
        _convert(model, converted, signature)
        proto = onnx.load(converted)
    _name(proto)
    _check(proto, model.name)
    pathlib.Path(path).write_bytes(proto.SerializeToString())


def _convert(model, path, signature):
    log = logging.getLogger("tf2onnx")
    level = log.level
    # It logs what it then raises, over many lines.
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), native_lines_hidden():
            # Keras looks for what numpy 2 no longer has.
            warnings.simplefilter("ignore", FutureWarning)
            model.export(
                path, format="onnx", verbose=False, input_signature=[signature]
            )
    except OSError:
        raise
    except Exception as error:  # tf2onnx raises what its handlers raise.
        raise _not_convertible(model.name, error) from error
    finally:
        log.setLevel(level)


def _check(proto, name):
    """Of an operation that it does not know, tf2onnx keeps the name."""
    try:
        onnx.checker.check_model(proto, full_check=True)
    except onnx.checker.ValidationError as error:
        raise _not_convertible(name, error) from error


def _not_convertible(name, error):
    return InputError(
        f"model: {name} cannot be converted to ONNX ({first_line(error)}); "
        "build it of Keras's own layers, or take --format=saved_model"
    )


def _name(proto):
    """Gives the output and the batch their names, in place."""
    (output,) = proto.graph.output
    for node in proto.graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == output.name:
                    names[place] = OUTPUT
    output.name = OUTPUT
    for value in (*proto.graph.input, output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    # Else the checker finds the sizes that were inferred under other names.
    del proto.graph.value_info[:]
