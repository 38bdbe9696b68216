r"""Times exported models side by side, on this machine's processor.

python -m export.benchmark --models=a.tflite,b.tflite --threads=1,2
python -m export.benchmark --models=saved_model/,model.keras \
    --batch=16 --image_size=224 --out=runs/benchmark

Files run in turn, each in a process of its own. The table tells the median and
the 95th percentile of a run, the ratio to the first file, size and memory, what
XNNPACK leaves out of a .tflite file, and its slowest operations.
"""

import dataclasses
import pathlib

import numpy as np
from absl import flags

from export.result import path_size
from export.runtime.profile import OperationTime, ProfileUnavailable, profile
from export.runtime.runners import library_version, model_format
from export.runtime.timing import time_in_turn
from nasnet_tf.checks.arguments import check_integer, check_number
from nasnet_tf.checks.errors import InputError
from nasnet_tf.terminal import command_line

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
        median: seconds of a run.
        p95: seconds that 95 % of the runs stayed below.
        ratio: median of the first file, with as many threads, over this one's;
            above 1 this file is faster.
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

    Returns:
        A result for each number of threads and each file, in this order.

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
        # What cannot be run is told before the first is timed.
        library_version(path)
    jobs = [(path, count) for count in threads for path in paths]
    timings = time_in_turn(jobs, batch, seconds, image_size)
    results = []
    for number, ((path, count), timing) in enumerate(
        zip(jobs, timings, strict=True)
    ):
        # With as many threads.
        first = timings[number - number % len(paths)]
        median = float(np.median(timing.seconds))
        results.append(
            Result(
                path=str(path),
                threads=count,
                batch=batch,
                input_shape=timing.input_shape,
                input_dtype=timing.input_dtype,
                runs=len(timing.seconds),
                median=median,
                p95=float(np.percentile(timing.seconds, 95)),
                ratio=float(np.median(first.seconds)) / median,
                file_size=path_size(pathlib.Path(path)),
                peak_memory=timing.peak_memory,
                **(timing.delegation or {}),
                **_slowest(path, count, slowest),
            )
        )
    return results


def _slowest(path, threads, count):
    if not count or model_format(path) != "litert":
        return {}
    try:
        return {"slowest": tuple(profile(path, threads)[:count])}
    except ProfileUnavailable as error:
        return {"profile_note": f"no profile of {path}: {error}"}


def integers(name: str, texts: list[str]) -> list[int]:
    """The values of a flag that lists integers.

    Raises:
        InputError: one is no integer.
    """
    try:
        return [int(text) for text in texts]
    except ValueError:
        raise InputError(
            f"{name}: {','.join(texts)!r} are no integers; give 1,2 or so"
        ) from None


def main(arguments):
    from export import benchmark_report

    command_line.check_no_arguments(arguments)
    values = flags.FLAGS
    if values.out:
        benchmark_report.check_files(values.out)
    results = benchmark(
        values.models,
        integers("threads", values.threads),
        values.batch,
        values.seconds,
        values.image_size,
        values.slowest,
    )
    print(benchmark_report.format_results(results))
    if values.out:
        print("\nwrote")
        for path in benchmark_report.write_files(results, values.out):
            print(f"  {path}")


def define_flags():
    flags.DEFINE_list(
        "models",
        [],
        "Files and SavedModel folders; the first is compared with.",
    )
    flags.DEFINE_list("threads", ["1"], "Numbers of threads, such as 1,2.")
    flags.DEFINE_integer("batch", 1, "Images of a run.")
    flags.DEFINE_float(
        "seconds", SECONDS, "Timed for each file and number of threads."
    )
    flags.DEFINE_integer(
        "image_size", None, "Height and width, for files that take any."
    )
    flags.DEFINE_integer(
        "slowest", 8, "Kinds of operations to list for a .tflite file."
    )
    flags.DEFINE_string(
        "out", None, "Folder for benchmark.json and benchmark.png."
    )


if __name__ == "__main__":
    command_line.run(main, define_flags)
