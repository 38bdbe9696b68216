"""Exported files timed run by run in turn, and profiled."""

import dataclasses
import pathlib

import numpy as np

from export.reporting.result import path_size
from export.runtime.profile import OperationTime, ProfileUnavailable, profile
from export.runtime.runners import (
    library_version,
    model_format,
    runs_in_openvino,
)
from export.runtime.timing import time_in_turn
from nasnet_tf.checks.arguments import check_integer, check_number
from nasnet_tf.checks.errors import InputError

SECONDS = 10.0


@dataclasses.dataclass(frozen=True)
class Result:
    """One file with one number of threads.

    Args:
        path: of the file or folder.
        threads: of a run.
        batch: images of a run.
        input_shape: of the images run, `(batch, height, width, channels)`.
        input_dtype: of the images run; uint8: pixels; int8: quantised.
        runs: that were timed.
        openvino: whether OpenVINO ran it, not the format's own library.
        median: seconds of a run.
        p95: seconds that 95 % of the runs stayed below.
        ratio: median of the first file, with as many threads and in its own
            library, over this one's; above 1 this one is faster.
        file_size: bytes; of a folder, all its files'.
        peak_memory: bytes that loading and running it took at most, above
            what its library took; None where the system does not tell.
        operations: number in a .tflite file; None for other formats, as are
            the next two.
        partitions: number of pieces that XNNPACK runs.
        outside: how many operations it left to LiteRT, by name.
        slowest: kinds of operations of a .tflite file, the slowest first, for
            one image; see `export.runtime.profile`.
        profile_note: one line that says why there is no profile.
    """

    path: str
    threads: int
    batch: int
    input_shape: tuple[int, ...]
    input_dtype: str
    runs: int
    openvino: bool
    median: float
    p95: float
    ratio: float
    file_size: int
    peak_memory: int | None
    operations: int | None = None
    partitions: int | None = None
    outside: dict[str, int] | None = None
    slowest: tuple[OperationTime, ...] = ()
    profile_note: str = ""


def benchmark(
    paths,
    threads=(1,),
    batch: int = 1,
    seconds: float = SECONDS,
    image_size: int | None = None,
    slowest: int = 8,
    openvino: bool = False,
) -> list[Result]:
    """Times models' files on the processor, run by run in turn.

    >>> for result in benchmark(["stock.tflite", "ours.tflite"]):
    ...     print(result.path, result.median, result.ratio)

    Args:
        paths: .tflite, .onnx and .keras files and SavedModels' folders, or
            one of them; the first is what the others are compared with.
        threads: numbers of threads; each file is timed with each.
        batch: images of a run; a file of a fixed batch runs it in parts.
        seconds: of timed runs for each file and number of threads, on
            average; 20 runs at least. A run that warms up goes before each.
        image_size: height and width for files that take any.
        slowest: how many kinds of operations to tell of a .tflite file; 0
            leaves the profile out.
        openvino: whether .onnx and .tflite files are timed in OpenVINO too.

    Returns:
        A result for each number of threads and each file, in this order; where
        OpenVINO runs a file, its result follows that of the file's own
        library.

    Raises:
        InputError: no path, a file does not exist, cannot be loaded or takes
            other input than images, or a number is out of range.
        JobError: a file crashed.
    """
    if isinstance(paths, (str, pathlib.PurePath)):
        paths = [paths]
    paths, threads = list(paths), list(threads)
    for name, values in (("models", paths), ("threads", threads)):
        if not values:
            raise InputError(f"{name}: none given; give one or more")
    for count in threads:
        check_integer("threads", count)
    check_integer("batch", batch)
    check_number("seconds", seconds, "[0, inf]")
    check_integer("slowest", slowest, least=0)
    if image_size is not None:
        check_integer("image_size", image_size)
    for path in paths:
        library_version(path)
    runs = [(path, False) for path in paths]
    if openvino:
        runs = [run for path in paths for run in _with_openvino(path)]
    jobs = [(path, count, other) for count in threads for path, other in runs]
    timings = time_in_turn(jobs, batch, seconds, image_size)
    results = []
    for number, ((path, count, other), timing) in enumerate(
        zip(jobs, timings, strict=True)
    ):
        first = timings[number - number % len(runs)]
        median = float(np.median(timing.seconds))
        results.append(
            Result(
                path=str(path),
                threads=count,
                batch=batch,
                input_shape=timing.input_shape,
                input_dtype=timing.input_dtype,
                runs=len(timing.seconds),
                openvino=other,
                median=median,
                p95=float(np.percentile(timing.seconds, 95)),
                ratio=float(np.median(first.seconds)) / median,
                file_size=path_size(pathlib.Path(path)),
                peak_memory=timing.peak_memory,
                **(timing.delegation or {}),
                **({} if other else _slowest(path, count, slowest)),
            )
        )
    return results


def _with_openvino(path):
    """How a file is run: whether by OpenVINO, its own library first."""
    if not runs_in_openvino(path):
        return [(path, False)]
    # Says that it is not installed before a file is loaded.
    library_version(path, openvino=True)
    return [(path, False), (path, True)]


def _slowest(path, threads, count):
    if not count or model_format(path) != "litert":
        return {}
    try:
        return {"slowest": tuple(profile(path, threads)[:count])}
    except ProfileUnavailable as error:
        return {"profile_note": f"no profile of {path}: {error}"}
