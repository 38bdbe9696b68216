"""Graphs for the tests of exporting, and what they compute."""

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from export.formats.litert.writer import write_litert


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
