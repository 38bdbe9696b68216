"""The report of a quickstart."""

import importlib.metadata
import importlib.util
import json
import os
import platform
import shlex

from nasnet_tf.pictures.html_report import render

PACKAGES = ("nasnet_tf", "keras", "tensorflow", "numpy", "scikit-learn")
# Commands to try next; those that read the model need it in `out`.
NEXT = (
    (
        "nasnet_tf.classify",
        "{out}/digit.png --weights={out}/digits.keras",
        "digits.keras",
        "Classify a picture with the model; put your own photo in its place.",
    ),
    (
        "nasnet_tf.draw",
        "NASNET_B --out={out}/nasnet_b.svg",
        None,
        "Draw the cells of another genotype.",
    ),
    (
        "nasnet_tf.summary",
        "",
        None,
        "Compare the published networks with what is counted here.",
    ),
)


def write(context, seconds: float) -> None:
    """Writes `metrics.json` and `report.html`.

    Args:
        context: the run.
        seconds: that it took.
    """
    versions = _versions()
    timings = {part.name: round(part.seconds, 2) for part in context.sections}
    metrics = {
        **context.metrics,
        "seed": context.seed,
        "epochs": context.epochs,
        "seconds": {**timings, "total": round(seconds, 2)},
        "versions": versions,
        "failures": context.failures,
    }
    with context.new_file("metrics.json", "all figures") as path:
        path.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    page = render(
        "quickstart/report.html",
        context=context,
        seconds=seconds,
        versions=versions,
        cores=os.cpu_count(),
        commands=_next_commands(context),
    )
    with context.new_file("report.html", "the report") as path:
        path.write_text(page, encoding="utf-8")


def _versions():
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _next_commands(context):
    commands = []
    out = shlex.quote(context.out.as_posix())
    written = {path.name for path in context.files}
    for module, arguments, needed, what in NEXT:
        if needed and needed not in written:
            continue
        if importlib.util.find_spec(module) is None:
            continue
        arguments = arguments.format(out=out)
        commands.append((f"python -m {module} {arguments}".strip(), what))
    return commands
