"""An evaluation as text, as JSON and as Markdown."""

import json
import pathlib
import warnings

from detection.evaluation.measures import NUMBERS, Metrics
from detection.evaluation.picture import precision_recall_figure
from nasnet_tf.files.output_file import (
    check_output,
    make_folder,
    written_beside,
)

METRICS, TABLE, CURVES = "metrics.json", "table.md", "precision_recall.png"
DPI = 110
# Categories that a terminal shows; the files have them all.
SHOWN = 10


def check_report_files(out, more: tuple[str, ...] = ()) -> None:
    """Makes the folder `out`, unless the files could not be written there.

    Args:
        out: the folder.
        more: names of further files.

    Raises:
        InputError: it is no folder, or cannot be written in.
    """
    folder = make_folder(out)
    for name in (METRICS, TABLE, CURVES, *more):
        check_output(folder / name)


def write_report(
    metrics: Metrics, out, title: str, facts: dict | None = None
) -> list[pathlib.Path]:
    """Writes `metrics.json`, `table.md` and `precision_recall.png`.

    Each is written whole or not at all.

    Args:
        metrics: of `measure`.
        out: the folder, which exists.
        title: what was evaluated on what.
        facts: plain values that the JSON begins with.

    Returns:
        The paths.

    Raises:
        InputError: a file cannot be written.
    """
    paths = [pathlib.Path(out) / name for name in (METRICS, TABLE, CURVES)]
    values = {**(facts or {}), **metrics.to_dict()}
    text = json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False)
    with written_beside(paths[0]) as beside:
        beside.write_text(text + "\n", encoding="utf-8")
    with written_beside(paths[1]) as beside:
        beside.write_text(markdown(metrics, title), encoding="utf-8")
    with warnings.catch_warnings(), written_beside(paths[2]) as beside:
        # Class names may be in letters that the font lacks.
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure = precision_recall_figure(metrics, title)
        figure.savefig(beside, dpi=DPI, facecolor="white")
    return paths


def format_metrics(metrics: Metrics, shown: int = SHOWN) -> str:
    """The 12 numbers and some categories, for a terminal.

    Args:
        metrics: of `measure`.
        shown: how many categories; where there are more, those with most
            objects.
    """
    lines = [_counts(metrics), ""]
    lines += [
        f"{text:26}{number(metrics.numbers[name]):>8}"
        for name, text in NUMBERS.items()
    ]
    rows = [metrics.classes[n] for n in metrics.largest_classes(shown)]
    total = sum(row.objects > 0 for row in metrics.classes)
    heading = f"{shown} of {total} categories" if total > shown else "category"
    width = max(len(heading), *(len(row.name) for row in rows))
    lines += ["", f"{heading:{width}}  objects      AP    AP50      AR"]
    lines += [
        f"{row.name:{width}}  {row.objects:7,}  {number(row.ap):>6}  "
        f"{number(row.ap50):>6}  {number(row.ar):>6}"
        for row in rows
    ]
    return "\n".join(lines)


def markdown(metrics: Metrics, title: str) -> str:
    """The evaluation as a Markdown page with all categories.

    Args:
        metrics: of `measure`.
        title: of the page.
    """
    lines = [f"# {title}", "", _counts(metrics) + ".", ""]
    lines += ["| name | meaning | value |", "| --- | --- | ---: |"]
    lines += [
        f"| {name} | {text} | {number(metrics.numbers[name])} |"
        for name, text in NUMBERS.items()
    ]
    lines += ["", f"![precision over recall]({CURVES})", ""]
    heads = ["id", "category", "objects", "crowds", "detections"]
    heads += ["AP", "AP50", "AR"]
    lines.append("| " + " | ".join(heads) + " |")
    lines.append("| ---: | --- |" + " ---: |" * (len(heads) - 2))
    lines += [
        f"| {row.id} | {row.name.replace('|', chr(92) + '|')} | "
        f"{row.objects:,} | {row.crowds:,} | {row.detections:,} | "
        f"{number(row.ap)} | {number(row.ap50)} | {number(row.ar)} |"
        for row in metrics.classes
    ]
    lines += [
        "",
        "AP: average precision; AR: average recall with 100 detections an "
        "image. Both are means over IoU 0.50 to 0.95 where nothing else is "
        "said. `-`: there is no such object. Areas are in pixels. Crowds "
        "count neither as found nor as missed.",
    ]
    return "\n".join(lines) + "\n"


def _counts(metrics):
    crowds = metrics.total("crowds")
    return (
        f"{metrics.images:,} images, {metrics.total('objects'):,} objects"
        + (f" and {crowds:,} crowds" if crowds else "")
        + f", {metrics.total('detections'):,} detections"
    )


def number(value: float) -> str:
    """Three digits as COCO prints them, or `-` for pycocotools' -1."""
    return "-" if value == -1 else f"{value:.3f}"
