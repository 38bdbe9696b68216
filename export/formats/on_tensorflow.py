"""What only Keras on TensorFlow can write, from any backend of Keras.

A `Graph` is names and arrays, so a model of JAX or torch, once read, is written
by a process of its own whose Keras runs on TensorFlow.
"""

import pathlib
import pickle
import tempfile
from collections.abc import Callable

import keras

from export.runtime.child_process import ChildError, ChildProcess
from nasnet_tf.checks.errors import JobError

BACKEND = "tensorflow"


def on_tensorflow(write: Callable, *arguments) -> None:
    """Calls a function, in another process where this one's backend differs.

    Args:
        write: a function at the top of its module, which returns nothing.
        *arguments: of it; what can be pickled.

    Raises:
        InputError: the function raised it.
        JobError: the other process failed.
    """
    if keras.backend.backend() == BACKEND:
        write(*arguments)
        return
    with tempfile.TemporaryDirectory() as folder:
        call = pathlib.Path(folder) / "call"
        call.write_bytes(pickle.dumps((write, arguments)))
        try:
            with ChildProcess(
                run, light=False, backend=BACKEND, call=str(call)
            ) as child:
                child.receive()
        except ChildError as error:
            raise JobError(
                f"export: the model is of Keras on {keras.backend.backend()} "
                f"and could not be written by Keras on TensorFlow ({error}); "
                "save it as a .keras file and export that with "
                "KERAS_BACKEND=tensorflow"
            ) from error


def run(call: str):
    """The child's side of `on_tensorflow`.

    Args:
        call: path of the function and its arguments, which this module wrote.
    """
    write, arguments = pickle.loads(pathlib.Path(call).read_bytes())
    write(*arguments)
    yield True
