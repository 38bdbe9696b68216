"""Run by the Python of an old tflite-runtime: what it says of files.

Takes an image as .npy and files as arguments; prints, by file, the scores or
the error.
"""

import json
import sys

import numpy as np
from tflite_runtime.interpreter import Interpreter


def scores(path, pixels):
    interpreter = Interpreter(path)
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    images = pixels[None]
    if given["dtype"] == np.float32:
        images = images / np.float32(127.5) - 1
    interpreter.set_tensor(given["index"], images)
    interpreter.invoke()
    (answer,) = interpreter.get_output_details()
    return interpreter.get_tensor(answer["index"])[0].tolist()


def main(image, *paths):
    found = {}
    for path in paths:
        try:
            found[path] = {"scores": scores(path, np.load(image))}
        except (RuntimeError, ValueError) as error:
            found[path] = {"error": str(error)}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
