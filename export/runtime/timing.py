"""Times files run in turn, each in a process of its own."""

import contextlib
import dataclasses
import importlib
import time

import numpy as np

from export.runtime import profile
from export.runtime.child_process import ChildError, ChildProcess, peak_memory
from export.runtime.file_runners import LitertRunner
from export.runtime.runners import (
    library_of,
    model_format,
    open_runner,
)
from export.targets import KERAS, module_to_import
from nasnet_tf.checks.errors import InputError, JobError

WARM_UP = 3
LEAST_RUNS = 20


@dataclasses.dataclass(frozen=True)
class Timing:
    """One file's runs with one number of threads.

    Args:
        seconds: of each run, in the order they were made.
        input_shape: of the images that were run, `(batch, height, width,
            channels)`.
        input_dtype: of these images, numpy's name.
        peak_memory: bytes that its process had resident at most, less what it
            had when it had only imported; None where the system does not
            tell.
        delegation: of a .tflite file, `export.runtime.profile.delegation`'s;
            else None.
    """

    seconds: tuple[float, ...]
    input_shape: tuple[int, ...]
    input_dtype: str
    peak_memory: int | None
    delegation: dict | None


def time_in_turn(
    jobs,
    batch: int = 1,
    seconds: float = 10.0,
    image_size: int | None = None,
) -> list[Timing]:
    """Runs files in turn on random images, on the processor, and times them.

    A turn of a file is two runs, of which the second is timed: the first
    finds caches and threads as another file left them. A run is the input
    copied in, the network, and the output copied out. The first turns of all
    are dropped.

    Args:
        jobs: `(path, threads)`, or with a third, whether OpenVINO runs the
            file.
        batch: images of a run; a file of a fixed batch runs it in parts.
        seconds: timed of each job on average; 20 runs at least.
        image_size: height and width, for files that take any.

    Returns:
        A `Timing` for each job.

    Raises:
        InputError: a file cannot be loaded, or takes no such images.
        JobError: a file's process crashed.
    """
    with contextlib.ExitStack() as stack:
        children = [_Timed(stack, batch, image_size, *job) for job in jobs]
        facts = [child.receive() for child in children]
        for _ in range(WARM_UP):
            for child in children:
                child.ask("run")
        taken: list[list[float]] = [[] for _ in jobs]
        while (
            len(taken[0]) < LEAST_RUNS
            or sum(map(sum, taken)) < len(jobs) * seconds
        ):
            for record, child in zip(taken, children, strict=True):
                record.append(child.ask("run"))
        ends = [child.ask("end") for child in children]
    return [
        Timing(tuple(record), tuple(fact["shape"]), fact["dtype"], **end)
        for record, fact, end in zip(taken, facts, ends, strict=True)
    ]


class _Timed:
    def __init__(self, stack, batch, image_size, path, threads, openvino=False):
        self._path = path
        format = model_format(path)
        child = ChildProcess(
            timed_runs,
            # Keras looks up classes that only the whole package registers.
            light=format != KERAS.name,
            module=module_to_import(format),
            path=str(path),
            threads=threads,
            batch=batch,
            image_size=image_size,
            openvino=openvino,
        )
        self._child = stack.enter_context(child)

    def receive(self):
        return self._crash_named(self._child.receive)

    def ask(self, question):
        return self._crash_named(self._child.ask, question)

    def _crash_named(self, call, *arguments):
        try:
            return call(*arguments)
        except ChildError as error:
            raise JobError(
                f"model: {self._path} cannot be run ({error})"
            ) from None


def timed_runs(module, path, threads, batch, image_size, openvino):
    """The child's side of `time_in_turn`; see `export.runtime.child_process`.

    Yields the images' shape and type; for each "run", seconds; for "end",
    memory and delegation.
    """
    if module:
        importlib.import_module(module)
    kind = model_format(path)
    # First, so that the memory is the file's and not its library's.
    importlib.import_module(library_of(kind, openvino)[1])
    before = peak_memory()
    runner = open_runner(path, threads, openvino)
    images = noise(runner, batch, image_size)
    question = yield {
        "shape": images.shape,
        "dtype": images.dtype.name,
    }
    while question == "run":
        runner.run(images, batch)
        start = time.perf_counter()
        runner.run(images, batch)
        question = yield time.perf_counter() - start
    after, memory = peak_memory(), None
    if before is not None and after is not None:
        memory = after - before
    delegation = None
    if isinstance(runner, LitertRunner):
        delegation = profile.delegation(runner.interpreter)
    yield {"peak_memory": memory, "delegation": delegation}


def noise(runner, batch: int, image_size: int | None) -> np.ndarray:
    """Noise as a runner takes images: pixels, or values in [-1, 1].

    Args:
        runner: of `export.runtime.runners.open_runner`.
        batch: number of images.
        image_size: height and width where the file takes any; None or the
            file's own where it does not.

    Raises:
        InputError: the file takes no images, or none of this size.
    """
    shape, dtype = runner.input_shape, runner.input_dtype
    if len(shape) != 4 or shape[3] is None or dtype.kind not in "fiu":
        raise InputError(
            f"model: {runner.path} takes {dtype} of shape {shape}, not images "
            "(n, height, width, channels); give an image classifier"
        )
    size = [image_size if n is None else n for n in shape[1:3]]
    if None in size:
        raise InputError(
            f"model: {runner.path} takes images of any size; give one, such as "
            "--image_size=224"
        )
    if image_size is not None and size != [image_size] * 2:
        raise InputError(
            f"image_size: {image_size} does not fit {runner.path}, which takes "
            f"{size[0]}x{size[1]}; leave it out"
        )
    generator = np.random.default_rng(0)
    full = (batch, *size, shape[3])
    if dtype.kind == "f":
        return generator.uniform(-1, 1, full).astype(dtype)
    limits = np.iinfo(dtype)
    return generator.integers(limits.min, limits.max, full, dtype, True)
