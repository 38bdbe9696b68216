"""Graphs for the tests of exporting, and what they compute."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from export.formats.litert.writer import write_litert
from export.graph import to_keras
from export.runtime.profile import delegation


def run_litert(content, images):
    """The outputs of a `.tflite` file for images, one after the other."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    read = interpreter.get_input_details()[0]["index"]
    written = interpreter.get_output_details()[0]["index"]
    rows = []
    for image in images:
        interpreter.set_tensor(read, image[None])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(written)[0])
    return np.stack(rows)


def run_graph(graph, images):
    """The outputs of a graph for images, by LiteRT in float32."""
    return run_litert(write_litert(graph), images)


def relative(outputs, expected):
    """The largest difference over the largest absolute value."""
    return np.abs(outputs - expected).max() / np.abs(expected).max()


def assert_computes(graph, inputs, expected, most=1e-5):
    """The graph gives the expected outputs, by LiteRT and by Keras."""
    expected = np.asarray(expected)
    assert relative(run_graph(graph, inputs), expected) < most
    assert relative(np.asarray(to_keras(graph)(inputs)), expected) < most


def delegated(content):
    """What XNNPACK takes over of a `.tflite` file."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    return delegation(interpreter)
