"""The results of `export.benchmark` as text, JSON and a picture."""

import dataclasses
import json
import pathlib

from export.runtime.runners import library_version
from nasnet_tf.files.output_file import (
    check_output,
    make_folder,
    written_beside,
)
from nasnet_tf.pictures import figures
from nasnet_tf.terminal.hardware import core_count, processor_name

FILES = ("benchmark.json", "benchmark.png")
DPI = 110
HEAD = (
    ("", "threads"),
    ("median", "ms"),
    ("p95", "ms"),
    ("", "ratio"),
    ("size", "MB"),
    ("memory", "MiB"),
    ("XNNPACK", "parts"),
    ("outside", "ops"),
)


def machine_facts(results) -> dict:
    """The processor's name, its cores, and the libraries' versions.

    Args:
        results: of `export.benchmark.benchmark`.
    """
    return {
        "processor": processor_name(),
        "cores": core_count(),
        "packages": dict(
            library_version(result.path, result.openvino) for result in results
        ),
    }


def format_results(results) -> str:
    """The results as a table for a terminal, with notes below it.

    The slowest operations are told for the first number of threads.

    Args:
        results: of `export.benchmark.benchmark`.
    """
    names = _names(results)
    width = max(4, *map(len, names))
    lines = [_title(results), ""]
    for row, name in enumerate(("", "file")):
        lines.append(f"{name:{width}}" + "".join(f"{h[row]:>8}" for h in HEAD))
    for name, result in zip(names, results, strict=True):
        memory = result.peak_memory
        cells = (
            result.threads,
            f"{result.median * 1e3:.2f}",
            f"{result.p95 * 1e3:.2f}",
            f"{result.ratio:.2f}",
            f"{result.file_size / 1e6:.2f}",
            "-" if memory is None else f"{memory / 2**20:.1f}",
            "-" if result.partitions is None else result.partitions,
            "-" if result.outside is None else sum(result.outside.values()),
        )
        lines.append(f"{name:{width}}" + "".join(f"{c:>8}" for c in cells))
    for name, result in _each_file(names, results):
        if result.outside:
            kinds = (f"{n} {kind}" for kind, n in result.outside.items())
            lines += ["", f"{name}: outside XNNPACK", "  " + ", ".join(kinds)]
    for name, result in zip(names, results, strict=True):
        if result.threads == results[0].threads:
            lines += _operations(name, result)
    return "\n".join(lines)


def _operations(name, result):
    if result.profile_note:
        return ["", result.profile_note]
    if not result.slowest:
        return []
    lines = ["", f"{name}: slowest operations, {_count(result.threads)}"]
    lines.append(f"{'ms':>8}{'share':>8}{'times':>7}")
    for row in result.slowest:
        mark = "" if row.delegated else " (outside XNNPACK)"
        lines.append(
            f"{row.seconds * 1e3:8.2f}{row.share:8.1%}{row.count:7}  "
            f"{row.name}{mark}"
        )
    return lines


def _count(threads):
    return "1 thread" if threads == 1 else f"{threads} threads"


def _names(results):
    paths = {result.path for result in results}
    names = {pathlib.Path(path).name for path in paths}
    if len(names) < len(paths):
        files = [result.path for result in results]
    else:
        files = [pathlib.Path(result.path).name for result in results]
    return [
        f"{file}, OpenVINO" if result.openvino else file
        for file, result in zip(files, results, strict=True)
    ]


def _each_file(names, results):
    return {
        (result.path, result.openvino): (name, result)
        for name, result in zip(names, results, strict=True)
    }.values()


def _title(results):
    facts = machine_facts(results)
    packages = ", ".join(f"{n} {v}" for n, v in facts["packages"].items())
    shapes = {
        f"{'x'.join(map(str, result.input_shape))} {result.input_dtype}"
        for result in results
    }
    return (
        f"{facts['processor']}, {facts['cores']} cores; {packages}\n"
        f"{results[0].runs} runs of each in turn on {', '.join(sorted(shapes))}"
    )


def check_files(out) -> None:
    """Makes the folder `out`, unless `write_files` could not write there.

    Raises:
        InputError: it is no folder, or cannot be written in.
    """
    out = make_folder(out)
    for name in FILES:
        check_output(out / name)


def write_files(results, out) -> list[pathlib.Path]:
    """Writes `benchmark.json` and `benchmark.png`, each whole or not at all.

    Args:
        results: of `export.benchmark.benchmark`.
        out: folder, which exists.

    Returns:
        Both paths.

    Raises:
        InputError: a file cannot be written.
    """
    paths = [pathlib.Path(out) / name for name in FILES]
    values = {
        **machine_facts(results),
        "results": [dataclasses.asdict(result) for result in results],
    }
    with written_beside(paths[0]) as beside:
        beside.write_text(json.dumps(values, indent=2) + "\n")
    with written_beside(paths[1]) as beside:
        results_figure(results).savefig(beside, dpi=DPI, facecolor="white")
    return paths


def results_figure(results):
    """Bars of the medians with whiskers up to the 95th percentile.

    Args:
        results: of `export.benchmark.benchmark`; one colour for each number
            of threads.
    """
    figure, axes = figures.new_figure(8, 1.6 + 0.4 * len(results))
    threads = list(dict.fromkeys(result.threads for result in results))
    colors = (figures.BLUE, figures.ORANGE, figures.RED)
    for row, result in enumerate(results):
        median, p95 = result.median * 1e3, result.p95 * 1e3
        number = threads.index(result.threads)
        first = number * len(results) // len(threads) == row
        axes.barh(
            row,
            median,
            xerr=[[0], [max(0.0, p95 - median)]],
            capsize=3,
            ecolor=figures.INK,
            color=colors[number % len(colors)],
            label=_count(result.threads) if first else None,
        )
        axes.annotate(
            f"{median:.3g} ms, ratio {result.ratio:.2f}",
            (max(p95, median), row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(range(len(results)), _names(results))
    axes.invert_yaxis()
    axes.margins(x=0.35)
    axes.set_xlim(left=0)
    axes.set_xlabel("ms a run: median, whisker to the 95th percentile")
    axes.set_title(_title(results), fontsize=9, loc="left", wrap=True)
    if len(threads) > 1:
        figure.legend(loc="outside lower right", frameon=False, ncols=4)
    return figure
