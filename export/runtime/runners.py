"""Runs a model's file, whatever its format.

>>> from export.runtime.runners import open_runner
>>> runner = open_runner("model.tflite", num_threads=1)
>>> predictions = runner.run(images)
"""

import importlib.metadata
import pathlib
from collections.abc import Callable
from typing import Protocol

import numpy as np

from export.runtime.file_runners import BATCH_SIZE, OpenvinoRunner
from export.targets import TARGETS, get_target
from nasnet_tf.checks.arguments import check_integer
from nasnet_tf.checks.errors import InputError, first_line
from nasnet_tf.checks.packages import check_packages

_OPENVINO_LIBRARY = ("openvino", "openvino")
_OPENVINO_FORMATS = ("litert", "onnx")


class Runner(Protocol):
    """A model's file, opened.

    `path` is the file or folder; `input_shape` has None where the file takes
    any length, else lengths; `input_dtype` is the file's own: uint8 takes
    pixels, int8 is quantised, a float takes preprocessed images.
    """

    path: pathlib.Path
    input_shape: tuple[int | None, ...]
    input_dtype: np.dtype

    def run(
        self, images: np.ndarray, batch_size: int = BATCH_SIZE
    ) -> np.ndarray:
        """Predictions for images.

        Args:
            images: `(n, height, width, channels)` for any n, of `input_dtype`
                or, where that is a float or quantised, of any float.
            batch_size: images at a time; a file whose batch is fixed takes
                that many, filled up with the last image.

        Returns:
            `(n, classes)`, float32; a quantised output is dequantised.

        Raises:
            InputError: the images are not what the file takes.
        """

    def close(self) -> None:
        """Frees what the file took; the runner is not to be used again."""


def model_format(path) -> str:
    """The format of a model's file: a name of `export.targets`.

    Args:
        path: of a .tflite, .onnx or .keras file or a SavedModel's folder, or
            of what a registered target writes.

    Raises:
        InputError: it does not exist, or is none of them.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise InputError(f"model: {path} does not exist; give another path")
    if path.is_dir():
        for target in TARGETS.values():
            if target.contents and (path / target.contents).is_file():
                return target.name
        raise InputError(
            f"model: the folder {path} has no saved_model.pb; give a "
            "SavedModel's folder or a file"
        )
    formats = {t.ending: t.name for t in TARGETS.values() if not t.contents}
    if path.suffix.lower() not in formats:
        raise InputError(
            f"model: {path} does not end in {', '.join(formats)}; give such "
            "a file or a SavedModel's folder"
        )
    return formats[path.suffix.lower()]


def runs_in_openvino(path) -> bool:
    """Whether a model's file is of a format that OpenVINO reads.

    Raises:
        InputError: see `model_format`.
    """
    return model_format(path) in _OPENVINO_FORMATS


def library_of(format: str, openvino: bool = False) -> tuple[str, str]:
    """The package that runs a format, and the module to import."""
    if openvino:
        return _OPENVINO_LIBRARY
    return get_target(format).library


def library_version(path, openvino: bool = False) -> tuple[str, str]:
    """Name and version of the package that runs a file.

    Args:
        path: see `model_format`.
        openvino: see `open_runner`.

    Raises:
        InputError: see `model_format`; the package is not installed, or
            OpenVINO does not read the format.
    """
    if openvino and not runs_in_openvino(path):
        raise InputError(
            f"openvino: {path} is no .tflite or .onnx file, which OpenVINO "
            "reads; leave it out"
        )
    package, module = library_of(model_format(path), openvino)
    check_packages(
        f"model: {path}",
        {package: module.split(".")[0]},
        extra="openvino" if openvino else "export",
    )
    return package, importlib.metadata.version(package)


def open_runner(
    path, num_threads: int | None = None, openvino: bool = False
) -> Runner:
    """Opens a model's file to run it on the processor.

    Args:
        path: of a .tflite file (run by ai_edge_litert), an .onnx file
            (onnxruntime), a SavedModel's folder (its `serving_default`) or a
            .keras file.
        num_threads: threads of a run; None: as many as the library likes,
            which is one for a .tflite and every core for the others.
            TensorFlow takes another number only before its first operation.
        openvino: whether OpenVINO runs it, an .onnx or .tflite file, in place
            of the format's own library.

    Raises:
        InputError: no such file, it cannot be loaded, it has more than one
            input or output, OpenVINO does not read its format, or the threads
            are not a positive integer or come too late.
    """
    # Says which package is missing, before it is imported.
    library_version(path, openvino)
    if num_threads is not None:
        check_integer("num_threads", num_threads)
    runner: Callable[..., Runner] = OpenvinoRunner
    if not openvino:
        runner = get_target(model_format(path)).function("runner")
    try:
        return runner(pathlib.Path(path), num_threads)
    except InputError:
        raise
    # Each library has errors of its own.
    except Exception as error:
        where, remedy = ("", "export it again")
        if openvino:
            where, remedy = (" by OpenVINO", "run it without")
        raise InputError(
            f"model: {path} cannot be loaded{where} ({first_line(error)}); "
            f"{remedy}"
        ) from error
