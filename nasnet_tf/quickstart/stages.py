"""The stages of the quickstart, in order, and what runs them."""

import importlib
import pathlib
import shlex
import time
from collections.abc import Iterable

from nasnet_tf.checks.arguments import check_choice
from nasnet_tf.checks.errors import InputError
from nasnet_tf.checks.packages import check_packages
from nasnet_tf.pictures.html_report import ReportSection
from nasnet_tf.quickstart import report
from nasnet_tf.quickstart.context import Context
from nasnet_tf.quickstart.names import STAGES
from nasnet_tf.quickstart.training import EPOCHS

# Of the extras: package and the name it is imported by.
PACKAGES = {
    "jinja2": "jinja2",
    "matplotlib": "matplotlib",
    "pycocotools": "pycocotools",
    "scikit-learn": "sklearn",
}


def run(
    out: str | pathlib.Path,
    seed: int = 0,
    epochs: int = EPOCHS,
    stages: Iterable[str] = STAGES,
) -> Context:
    """Runs stages of the quickstart and writes the report.

    Args:
        out: folder for the files; those of an earlier run are replaced one
            by one.
        seed: of weights, shuffling and shifts.
        epochs: passes over the training images.
        stages: names in `STAGES`; what they need is run too.

    Returns:
        The context, with metrics, files and what failed.

    Raises:
        InputError: an argument is bad, a file cannot be written, or a package
            of the extra `train` is missing.
    """
    start = time.perf_counter()
    _check(seed, epochs)
    chosen = with_needs(stages)
    command = _command(out, seed, epochs, chosen)
    context = Context(pathlib.Path(out), seed, epochs, command)
    context.make_folder()
    for number, name in enumerate(chosen, start=1):
        stage = _module(name)
        print(f"[{number}/{len(chosen)}] {stage.TITLE}", flush=True)
        context.section = ReportSection(name, stage.TITLE)
        begun = time.perf_counter()
        context.results[name] = stage.stage(context)
        context.section.seconds = time.perf_counter() - begun
        context.sections.append(context.section)
        print(f"  {context.section.seconds:.1f} s", flush=True)
    report.write(context, time.perf_counter() - start)
    _print_summary(context)
    return context


def with_needs(stages: Iterable[str]) -> list[str]:
    """The named stages and what they need, in the order they run.

    Raises:
        InputError: no stage has this name, or none is named.
    """
    needed = set()
    waiting = list(stages)
    if not waiting:
        raise InputError(f"stages: none given; choose from {', '.join(STAGES)}")
    while waiting:
        name = waiting.pop()
        check_choice("stages", name, STAGES)
        needed.add(name)
        waiting.extend(_module(name).NEEDS)
    return [name for name in STAGES if name in needed]


def _command(out, seed, epochs, chosen):
    words = ["python", "-m", "nasnet_tf.quickstart", f"--out={out}"]
    words += [f"--seed={seed}", f"--epochs={epochs}"]
    if len(chosen) < len(STAGES):
        words.append(f"--stages={','.join(chosen)}")
    return shlex.join(words)


def _module(name):
    return importlib.import_module(f"nasnet_tf.quickstart.{name}")


def _check(seed, epochs):
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise InputError(f"seed: {seed!r} is not an integer from 0 to 2**32-1")
    if not isinstance(epochs, int) or epochs < 1:
        raise InputError(f"epochs: {epochs!r} is not an integer of 1 or more")
    check_packages("quickstart", PACKAGES)


def _print_summary(context):
    if "accuracy" in context.metrics:
        print(
            f"held-out accuracy {context.metrics['accuracy']:.4f} "
            f"({context.metrics['correct']} of "
            f"{context.metrics['held_out_images']})"
        )
    print("wrote")
    # The report was written last; it is what to open first.
    width = max(len(str(path)) for path in context.files)
    for path, what in reversed(context.files.items()):
        size = path.stat().st_size
        print(f"  {path!s:{width}}  {size / 1000:8,.1f} kB  {what}")
